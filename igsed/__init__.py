"""When a sound classifier says "dog", can its explanation say when? A benchmark after arXiv:2605.23293."""

LABELS = (
    "Alarm_bell_ringing",
    "Blender",
    "Cat",
    "Dishes",
    "Dog",
    "Electric_shaver_toothbrush",
    "Frying",
    "Running_water",
    "Speech",
    "Vacuum_cleaner",
)
"""DESED's ten domestic classes, in the order that every array and table follows."""
