"""Embeddings to two dimensions: PCA at once, UMAP in a process of its own; maps that lie like the one before."""

from labelling.projections.alignment import align, place
from labelling.projections.components import extend_pca, pca
from labelling.projections.umap import N_NEIGHBORS, UMAP_MIN_ROWS, ProjectionError, UmapProcess

__all__ = [
    "N_NEIGHBORS",
    "UMAP_MIN_ROWS",
    "ProjectionError",
    "UmapProcess",
    "align",
    "extend_pca",
    "pca",
    "place",
]
