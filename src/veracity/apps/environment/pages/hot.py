from veracity.models.view import View
from veracity.pages.html import Html, tag


def hot_spots(view: View) -> Html:
    return tag("p", "TODO")
