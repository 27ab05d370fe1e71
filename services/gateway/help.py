"""The help index: for programs at /help of the interface, for people at /huong-dan."""

from __future__ import annotations

from html import escape
from typing import Any

from services.gateway.help_topics import GUIDES, TOPICS, Topic

PAGE = "/huong-dan"  # as pages.py serves it
HOTLINE = "19001075"


def index() -> dict[str, Any]:
    """Guides by their source, each topic with its text and the page where people read it."""
    return {
        "hotline": HOTLINE,
        "guides": [
            {"rule": guide.rule, "source": guide.source, "topics": [_entry(TOPICS[name]) for name in guide.topics]}
            for guide in GUIDES
        ],
    }


def _entry(topic: Topic) -> dict[str, Any]:
    vi, en = topic.title
    return {
        "id": topic.id,
        "title_vi": vi,
        "title_en": en,
        "page": f"{PAGE}#{topic.id}",
        "steps": [{"vi": step, "en": beside} for step, beside in topic.steps],
    }


def page() -> str:
    """HTML of the index and all topics."""
    parts = ["<h1>Hướng dẫn sử dụng <span class='en' lang='en'>– guides</span></h1>"]
    for guide in GUIDES:
        lines = "".join(
            f'<li><a href="#{name}">{escape(TOPICS[name].title[0])}</a> '
            f'<span class="en" lang="en">{escape(TOPICS[name].title[1])}</span></li>'
            for name in guide.topics
        )
        parts.append(f"<h2>{escape(guide.source)}</h2><ol>{lines}</ol>")
    parts += [_topic(topic) for topic in TOPICS.values()]
    parts.append(f"<p>Tổng đài hỗ trợ / Hotline: {HOTLINE}</p>")
    return "".join(parts)


def _topic(topic: Topic) -> str:
    vi, en = topic.title
    steps = "".join(
        f'<li>{escape(step)}<br><span class="en" lang="en">{escape(beside)}</span></li>' for step, beside in topic.steps
    )
    return (
        f'<div class="card" id="{topic.id}"><h3>{escape(vi)}</h3><p class="en" lang="en">{escape(en)}</p>'
        f"<ol>{steps}</ol></div>"
    )


def schema() -> dict[str, Any]:
    """The shape of the index, for the contract."""
    text = {"type": "string"}

    def whole(**properties: Any) -> dict[str, Any]:
        return {"type": "object", "required": list(properties), "properties": properties}

    step = whole(vi=text, en=text)
    topic = whole(id=text, title_vi=text, title_en=text, page=text, steps={"type": "array", "items": step})
    guide = whole(rule=text, source=text, topics={"type": "array", "items": topic})
    return whole(hotline=text, guides={"type": "array", "items": guide})
