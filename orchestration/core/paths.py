"""Where everything is in a warehouse folder: the one place that knows its names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MARTS_FILE = "marts.duckdb"
PARQUET = "parquet"
DASHBOARD = "dashboard"
SEMANTIC_MANIFEST = "semantic_manifest.json"


@dataclass(frozen=True)
class WarehousePaths:
    """The files and folders of a warehouse. `root` is the warehouse folder itself.

    What readers use (`marts_file`, `parquet`, `dashboard`) are links into `current`, which is a link to the folder of
    the release that is current.
    """

    root: Path

    @property
    def build_file(self) -> Path:
        """The pipeline's own database: raw, staging, intermediate, facts, kpi. One writer."""
        return self.root / "build.duckdb"

    @property
    def releases(self) -> Path:
        """Everything that was published and is still kept: a folder a release."""
        return self.root / "releases"

    @property
    def current(self) -> Path:
        """Link to the release that is current."""
        return self.root / "current"

    @property
    def marts_file(self) -> Path:
        """The published database: schemas kpi, drill, facts, finance, meta."""
        return self.root / MARTS_FILE

    @property
    def parquet(self) -> Path:
        """The marts as files: `parquet/kpi/<mart>.parquet`."""
        return self.root / PARQUET

    @property
    def dashboard(self) -> Path:
        """The boards, an HTML file each."""
        return self.root / DASHBOARD

    @property
    def dashboard_file(self) -> Path:
        """The page that leads to the boards."""
        return self.dashboard / "index.html"

    @property
    def semantic_manifest(self) -> Path:
        """The metrics of the semantic layer, by the settings of the release that is current."""
        return self.current / SEMANTIC_MANIFEST

    @property
    def finance(self) -> Path:
        """Closed months, a folder each."""
        return self.root / "finance"

    @property
    def last_run_file(self) -> Path:
        """What the last build did."""
        return self.root / "last_run.json"

    @property
    def reserve_file(self) -> Path:
        """Room that is kept, so that a build which fills the disk can still be written down."""
        return self.root / ".room_for_last_run"

    @property
    def running_file(self) -> Path:
        """What says that a build is under way; it stays behind only if the build dies."""
        return self.root / ".running.json"

    @property
    def lock_file(self) -> Path:
        """Locked by the process that builds or closes."""
        return self.root / ".build.lock"

    @property
    def data_docs(self) -> Path:
        """Great Expectations' Data Docs, a folder a run."""
        return self.root / "data_docs"

    @property
    def dbt_target(self) -> Path:
        """What dbt compiles."""
        return self.root / "dbt"

    @property
    def built_project(self) -> Path:
        """The models, seeds and macros of the last build, with the SQL that was run."""
        return self.dbt_target / "project.json"

    @property
    def logs(self) -> Path:
        """dbt's log."""
        return self.root / "logs"
