"""The ERP's countries, territories and states."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.randomness import guids
from simulated_retailer.engine.timestamps import Period
from simulated_retailer.engine.versions import version_table, versions
from simulated_retailer.erp.schema import ERP
from simulated_retailer.population.geography import (
    COUNTRIES,
    STATE_CODES,
    STATES,
    TERRITORIES,
    TERRITORY_NAMES,
    TERRITORY_NUMBERS,
    TERRITORY_OF_STATE,
    country_of_state,
)


def geography_tables(period: Period, seed: int) -> dict[str, pa.Table]:
    """CountryRegion, SalesTerritory and StateProvince: set up once, never changed."""

    def table(name: str, size: int, **columns: object) -> pa.Table:
        which = versions(np.full(size, period.founded), end=period.end)
        return version_table(ERP, name, which, columns)

    return {
        "CountryRegion": table(
            "CountryRegion",
            len(COUNTRIES),
            CountryRegionCode=pa.array(list(COUNTRIES)),
            Name=pa.array(list(COUNTRIES.values())),
        ),
        "SalesTerritory": table(
            "SalesTerritory",
            len(TERRITORIES),
            TerritoryID=TERRITORY_NUMBERS,
            Name=pa.array(TERRITORY_NAMES),
            CountryRegionCode=pa.array([territory.country for territory in TERRITORIES]),
            Group=pa.array([territory.group for territory in TERRITORIES]),
            SalesYTD=0,
            SalesLastYear=0,
            CostYTD=0,
            CostLastYear=0,
            rowguid=guids(seed, "SalesTerritory", len(TERRITORIES)),
        ),
        "StateProvince": table(
            "StateProvince",
            len(STATES),
            StateProvinceID=np.arange(len(STATES)) + 1,
            StateProvinceCode=pa.array(STATE_CODES),
            CountryRegionCode=pa.array([country_of_state(state) for state in STATES]),
            IsOnlyStateProvinceFlag=False,
            Name=pa.array([state.name for state in STATES]),
            TerritoryID=TERRITORY_NUMBERS[TERRITORY_OF_STATE],
            rowguid=guids(seed, "StateProvince", len(STATES)),
        ),
    }
