"""Two exports of a segment or a tag compared: who entered, who left, whose values changed."""
