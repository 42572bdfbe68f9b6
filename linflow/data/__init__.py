"""What a researcher has, read for what it is or refused: images, tables, arrays, and sets that ship with the libraries.

:func:`load` takes a folder, a file or an object, and says what it read; nothing is guessed and nothing downloaded.
"""

from linflow.data.folders import image_folder as image_folder
from linflow.data.loading import Loaded as Loaded
from linflow.data.loading import load as load
from linflow.data.pictures import IMAGE_SUFFIXES as IMAGE_SUFFIXES
from linflow.data.shipped import digits as digits
from linflow.data.shipped import faces as faces
from linflow.data.shipped import natural_patches as natural_patches
from linflow.data.shipped import non_faces as non_faces

__all__ = ["Loaded", "digits", "faces", "image_folder", "load", "natural_patches", "non_faces"]
