"""Real images as rows of pixels: data sets that ship inside scikit-learn and scikit-image, or any folder of images."""

from linflow.data.shipped import IMAGE_SUFFIXES as IMAGE_SUFFIXES
from linflow.data.shipped import digits as digits
from linflow.data.shipped import faces as faces
from linflow.data.shipped import image_folder as image_folder
from linflow.data.shipped import natural_patches as natural_patches
from linflow.data.shipped import non_faces as non_faces
