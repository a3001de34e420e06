"""The steps of a week's segments, each alone in a process, and what scikit-learn alone would do instead.

Model and fitted pipeline lie in the home between the processes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from retail_assets.resources.warehouse import Execute
    from retail_assets.segmentation.model import Model


def train_segments(week: str) -> None:
    """Read the sample and fit a model."""
    import pickle

    from retail_assets.segmentation.thresholds import THRESHOLDS
    from retail_assets.segmentation.training import train

    fitted = train(_sample(week), week, THRESHOLDS)
    _home("model.json").write_text(fitted.model.to_json())
    _home("pipeline.pickle").write_bytes(pickle.dumps(fitted.pipeline))


def assign_segments(week: str) -> None:
    """Replace the week's segments, in the warehouse."""
    from retail_assets.resources.warehouse import transaction
    from retail_assets.segmentation import tables

    with _session() as execute, transaction(execute):
        previous = tables.read_previous(execute, week)
        tables.delete_week(execute, week)
        tables.insert_segments(execute, _model(), week, previous)


def profile_segments(week: str) -> None:
    """Profiles of the week's segments."""
    from retail_assets.resources.warehouse import transaction
    from retail_assets.segmentation import tables
    from retail_assets.segmentation.catalog import PROFILES
    from retail_assets.segmentation.profiles import profiles_of

    with _session() as execute, transaction(execute):
        previous = tables.read_previous(execute, week)
        profiles = profiles_of(execute, week, previous.week if previous else None, {})
        tables.insert_rows(execute, PROFILES, profiles.rows)


def predict_segments(week: str) -> None:
    """The same by the fitted pipeline: features into memory, `predict`, and the result into a table."""
    import pickle

    import duckdb

    from retail_assets.segmentation.features import FEATURES_TABLE, HAS_PURCHASED, NO_PURCHASE
    from retail_assets.settings import settings

    pipeline = pickle.loads(_home("pipeline.pickle").read_bytes())
    columns = ", ".join([*(f"cast({name} as double) as {name}" for name in _numbers()), *_words()])
    of_the_week = f"from {FEATURES_TABLE} where week_start = date '{week}'"
    with duckdb.connect(settings().duckdb_path) as connection:
        frame = connection.sql(f"select consumer_key, {columns} {of_the_week} and {HAS_PURCHASED}").df()
        frame["segment"] = pipeline.predict(frame) + 1
        connection.register("labelled", frame[["consumer_key", "segment"]])
        connection.execute("create schema if not exists benchmark")
        connection.execute(
            "create or replace table benchmark.predicted as select * from labelled"
            f" union all select consumer_key, {NO_PURCHASE} {of_the_week} and not ({HAS_PURCHASED})"
        )


def fit_once(week: str) -> None:
    """A plain pipeline with k-means, of as many clusters as the model has segments."""
    _fitted(_sample(week), len(_model().segments))


def fit_several(week: str) -> None:
    """The same for each number of clusters that training tries, with its silhouette."""
    from sklearn.metrics import silhouette_score

    from retail_assets.segmentation.thresholds import THRESHOLDS

    sample = _sample(week)
    for clusters in range(2, THRESHOLDS.most_segments + 1):
        points, labels = _fitted(sample, clusters)
        silhouette_score(points, labels, sample_size=THRESHOLDS.silhouette_sample, random_state=0)


def _fitted(sample: "pd.DataFrame", clusters: int) -> tuple["np.ndarray", "np.ndarray"]:
    """Prepared points, and the cluster of each."""
    from sklearn.cluster import KMeans
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    prepare = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), _numbers()),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), _words()),
    )
    points = prepare.fit_transform(sample)
    return points, KMeans(clusters, n_init=10, random_state=0).fit_predict(points)


def _numbers() -> list[str]:
    from retail_assets.segmentation.features import clustering_numbers

    return [each.name for each in clustering_numbers()]


def _words() -> list[str]:
    from retail_assets.segmentation.features import clustering_categories

    return [each.name for each in clustering_categories()]


def _sample(week: str) -> "pd.DataFrame":
    from retail_assets.segmentation.tables import read_sample
    from retail_assets.segmentation.thresholds import THRESHOLDS

    with _session() as execute:
        return read_sample(execute, week, THRESHOLDS.sample)


def _model() -> "Model":
    from retail_assets.segmentation.model import Model

    return Model.from_json(_home("model.json").read_text())


@contextmanager
def _session() -> Iterator["Execute"]:
    from retail_assets.resources.warehouse import warehouse_of
    from retail_assets.settings import settings

    warehouse = warehouse_of(settings())
    with warehouse.writing(say=print), warehouse.session() as execute:
        yield execute


def _home(name: str) -> Path:
    from retail_assets.settings import settings

    return settings().home / name
