"""Campaigns against the library: many calls, each of which has to be answered or refused in one sentence."""
