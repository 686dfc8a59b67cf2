"""The one exception that speaks to the user."""


class InputError(Exception):
    """Something the user gave (a file, a setting, a download) cannot be used.

    The message says what is wrong, where (file, line or key) and what to do; it is shown without a traceback.
    """
