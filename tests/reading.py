"""Reading a page as those do who cannot trust who wrote what is on it."""

from html.parser import HTMLParser


class Reading(HTMLParser):
    """What a screen reader and a browser find in a page: its text, its elements and their attributes."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(page)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    def values(self, name):
        return [value for key, value in self.attributes if key == name]


def assert_inert(page):
    reading = Reading(page)
    assert not {"script", "img", "iframe", "object", "link", "form"} & set(reading.tags)
    assert not [name for name, _ in reading.attributes if name.startswith("on")]
    assert all(value.startswith(("feedback/", "#")) for value in reading.values("href"))
