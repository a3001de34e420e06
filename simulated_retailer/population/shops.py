"""The retailer's own shops: a list that somebody keeps in a file, as retailers do. It never changes."""

from __future__ import annotations

from typing import NamedTuple


class Shop(NamedTuple):
    """A shop, in the columns of its file."""

    shop_id: int
    shop_name: str
    territory_id: int
    city: str
    state: str
    country: str
    latitude: float
    longitude: float
    opened_on: str


_USA, _UK = "United States", "United Kingdom"
_ROWS = (
    (1, "Seattle Pike Street", 1, "Seattle", "Washington", _USA, 47.6097, -122.3375, "2009-04-04"),
    (2, "Tacoma Broadway", 1, "Tacoma", "Washington", _USA, 47.255, -122.441, "2013-09-14"),
    (3, "Spokane Riverfront", 1, "Spokane", "Washington", _USA, 47.66, -117.42, "2016-05-07"),
    (4, "Portland Pearl District", 1, "Portland", "Oregon", _USA, 45.527, -122.684, "2010-03-20"),
    (5, "Boston Back Bay", 2, "Boston", "Massachusetts", _USA, 42.3503, -71.081, "2011-06-11"),
    (6, "New York Broadway", 2, "New York", "New York", _USA, 40.7265, -73.9945, "2010-10-02"),
    (7, "Buffalo Elmwood", 2, "Buffalo", "New York", _USA, 42.909, -78.877, "2015-04-18"),
    (8, "Philadelphia Walnut Street", 2, "Philadelphia", "Pennsylvania", _USA, 39.95, -75.168, "2012-05-19"),
    (9, "Pittsburgh Strip District", 2, "Pittsburgh", "Pennsylvania", _USA, 40.451, -79.983, "2017-03-25"),
    (10, "Chicago State Street", 3, "Chicago", "Illinois", _USA, 41.883, -87.628, "2012-09-08"),
    (11, "Minneapolis Nicollet", 3, "Minneapolis", "Minnesota", _USA, 44.974, -93.274, "2014-04-26"),
    (12, "Los Angeles Melrose", 4, "Los Angeles", "California", _USA, 34.0837, -118.3614, "2010-05-15"),
    (
        13,
        "San Francisco Union Square",
        4,
        "San Francisco",
        "California",
        _USA,
        37.788,
        -122.4075,
        "2010-08-28",
    ),
    (14, "San Diego Gaslamp", 4, "San Diego", "California", _USA, 32.711, -117.16, "2014-03-15"),
    (15, "Austin South Congress", 4, "Austin", "Texas", _USA, 30.249, -97.75, "2013-10-05"),
    (16, "Dallas Uptown", 4, "Dallas", "Texas", _USA, 32.8, -96.8, "2015-09-26"),
    (17, "Atlanta Ponce City", 5, "Atlanta", "Georgia", _USA, 33.7725, -84.3655, "2014-09-13"),
    (18, "Vancouver Robson", 6, "Vancouver", "British Columbia", "Canada", 49.2845, -123.124, "2011-04-30"),
    (19, "Toronto Queen Street", 6, "Toronto", "Ontario", "Canada", 43.648, -79.397, "2011-09-17"),
    (20, "Montréal Sainte-Catherine", 6, "Montréal", "Quebec", "Canada", 45.503, -73.571, "2013-05-11"),
    (21, "Paris Rivoli", 7, "Paris", "Seine (Paris)", "France", 48.859, 2.344, "2012-10-13"),
    (22, "Lyon Presqu'île", 7, "Lyon", "Rhône", "France", 45.76, 4.836, "2016-10-08"),
    (23, "Berlin Mitte", 8, "Berlin", "Berlin", "Germany", 52.5245, 13.402, "2013-03-16"),
    (24, "München Sendlinger Straße", 8, "München", "Bayern", "Germany", 48.135, 11.569, "2015-10-10"),
    (25, "Sydney George Street", 9, "Sydney", "New South Wales", "Australia", -33.871, 151.207, "2012-03-10"),
    (26, "Melbourne Bourke Street", 9, "Melbourne", "Victoria", "Australia", -37.8138, 144.965, "2013-11-09"),
    (27, "London Covent Garden", 10, "London", "England", _UK, 51.512, -0.123, "2011-10-15"),
    (28, "Manchester Deansgate", 10, "Manchester", "England", _UK, 53.481, -2.248, "2014-05-24"),
    (29, "Edinburgh Princes Street", 10, "Edinburgh", "Scotland", _UK, 55.952, -3.196, "2016-03-19"),
)
SHOPS = tuple(Shop(*row) for row in _ROWS)
