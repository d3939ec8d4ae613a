"""Layers of the open project as files that gossan reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from qgis.core import (
    QgsCoordinateTransformContext,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsMapLayer,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProviderRegistry,
    QgsRectangle,
    QgsVectorFileWriter,
    QgsWkbTypes,
)

from .core.translations import tr


def file_stem(name: str) -> str:
    """Return a name for a file: letters, digits, blanks, _ and -, at most 40.

    gossan reads the medium of a survey from the name of its file.
    """
    return re.sub(r"[^\w-]+", "_", name).strip("_")[:40] or "survey"


def export_features(
    source: QgsProcessingFeatureSource, path: Path, extent: QgsRectangle | None = None
) -> Path:
    """Write the features of a layer, or those that are selected, to a GeoPackage.

    Raises
    ------
    QgsProcessingException
        The layer has no coordinate system, no features, or the file cannot be written.
    """
    if not source.sourceCrs().isValid():
        raise QgsProcessingException(
            tr("The layer has no coordinate system. Set it in the properties of the layer.")
        )
    partial = path.with_name(f"{path.stem}.partial.gpkg")
    count = _write(source, partial, extent)
    if not count:
        partial.unlink()
        raise QgsProcessingException(tr("The layer has no features here."))
    partial.replace(path)
    return path


def _write(source: QgsProcessingFeatureSource, path: Path, extent: QgsRectangle | None) -> int:
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", "features"
    options.layerOptions = ["FID=gossan_fid"]
    writer = QgsVectorFileWriter.create(
        str(path), source.fields(), _plain_type(source.wkbType()), source.sourceCrs(),
        QgsCoordinateTransformContext(), options,
    )  # fmt: skip
    if writer.hasError():
        raise QgsProcessingException(writer.errorMessage())
    request = QgsFeatureRequest()
    if extent is not None and not extent.isNull():
        request.setFilterRect(extent)
    count = 0
    for feature in source.getFeatures(request):
        geometry = feature.geometry()
        if geometry.isNull():
            continue
        if QgsWkbTypes.geometryType(source.wkbType()) == QgsWkbTypes.PointGeometry:
            geometry.convertToSingleType()
            feature.setGeometry(geometry)
        if not writer.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
            raise QgsProcessingException(writer.errorMessage())
        count += 1
    del writer
    return count


def _plain_type(kind: QgsWkbTypes.Type) -> QgsWkbTypes.Type:
    flat = QgsWkbTypes.dropM(QgsWkbTypes.dropZ(kind))
    point = QgsWkbTypes.geometryType(kind) == QgsWkbTypes.PointGeometry
    return QgsWkbTypes.singleType(flat) if point else QgsWkbTypes.multiType(flat)


def raster_files(layers: Sequence[QgsMapLayer]) -> list[str]:
    """Return the files of raster layers.

    Raises
    ------
    QgsProcessingException
        A layer is no file: of a web service, for example.
    """
    found = []
    for layer in layers:
        parts = QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source())
        path = str(parts.get("path", ""))
        if layer.providerType() != "gdal" or not path or not Path(path).exists():
            text = tr("The layer {} is not a raster file. Save it as GeoTIFF first.")
            raise QgsProcessingException(text.format(layer.name()))
        found.append(path)
    return found


def scene_paths(paths: Sequence[str]) -> list[str]:
    """Return scenes as gossan names them: a file inside of a .SAFE folder stands for the folder."""
    return [str(_safe_folder(Path(path)) or path) for path in paths]


def _safe_folder(path: Path) -> Path | None:
    return next((p for p in (path, *path.parents) if p.suffix.upper() == ".SAFE"), None)
