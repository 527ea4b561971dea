"""The limits that forecasts are held against: of VN_AQI's categories, and of the WHO's guidelines. µg/m³.

The limits of VN_AQI are those of an hour's index. For particles the index wants a weighted mean of twelve hours
and for them the limits of a day stand; a forecast of one hour held against them says what the index would be if
the hour went on. They are set out, with the formula, in ``aqi``.

References
----------
Decision 1459/QD-TCMT of the Vietnam Environment Administration, 12 November 2019, table 1.
World Health Organization, Global air quality guidelines, 2021, table 0.1: means of 24 hours; of ozone the
highest mean of 8 hours.
"""

CATEGORIES = ("good", "moderate", "poor", "bad", "very-bad", "hazardous")  #: Tốt … Nguy hại
WARN_FROM = 2  #: place in CATEGORIES from which sensitive people are warned: an index above 100
LIMITS = {  #: where each category after the first begins
    "pm25": (25.0, 50.0, 80.0, 150.0, 250.0),
    "pm10": (50.0, 150.0, 250.0, 350.0, 420.0),
    "no2": (100.0, 200.0, 700.0, 1200.0, 2350.0),
    "o3": (160.0, 200.0, 300.0, 400.0, 800.0),
}
WHO_2021 = {"pm25": 15.0, "pm10": 45.0, "no2": 25.0, "o3": 100.0}
