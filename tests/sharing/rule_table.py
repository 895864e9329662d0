"""Rules as people and programs leave them at plex.tv, and what each lets through.

The second column is the kind of title that such a rule was made for. A rule with two meanings is
ambiguous, and only what both agree on is known; a rule without meanings is not understood, and
nothing is known.
"""

from __future__ import annotations

from typing import Final

from .brute import NOT_UNDERSTOOD, Meaning, carries, lacks, not_rated, rated, strange

RULES: Final[list[tuple[str, str, list[Meaning]]]] = [
    ("", "both", [[]]),
    ("label=rosa", "both", [[[carries("rosa")]]]),
    ("label=Rosa", "both", [[[carries("rosa")]]]),
    ("label!=rosa", "both", [[[lacks("rosa")]]]),
    ("contentRating=G", "movies", [[[rated("g")]]]),
    ("contentRating=TV-14", "shows", [[[rated("tv-14")]]]),
    ("contentRating!=NC-17", "movies", [[[not_rated("nc-17")]]]),
    ("contentRating!=TV-MA", "shows", [[[not_rated("tv-ma")]]]),
    ("label=rosa,family", "both", [[[carries("rosa", "family")]]]),
    ("label=rosa%2Cfamily", "both", [[[carries("rosa", "family")]]]),
    ("label=rosa%2cfamily", "both", [[[carries("rosa", "family")]]]),
    ("label!=Row_tim,Row_nina,Row_ben", "both", [[[lacks("row_tim", "row_nina", "row_ben")]]]),
    ("label!=Scary%2CUncut", "both", [[[lacks("scary", "uncut")]]]),
    ("contentRating=G%2CPG%2CPG-13", "movies", [[[rated("g", "pg", "pg-13")]]]),
    ("contentRating=G,PG", "movies", [[[rated("g", "pg")]]]),
    ("contentRating=TV-Y%2CTV-Y7%2CTV-Y7-FV", "shows", [[[rated("tv-y", "tv-y7", "tv-y7-fv")]]]),
    ("label=rosa%2Cfamily,kids", "both", [[[carries("rosa", "family", "kids")]]]),
    ("label=Rosa%20Martinez", "both", [[[carries("rosa martinez")]]]),
    ("label=Rosa Martinez", "both", [[[carries("rosa martinez")]]]),
    ("label=Age%200%2CAge%203", "both", [[[carries("age 0", "age 3")]]]),
    ("label=Kids%20%26%20Family", "both", [[[carries("kids & family")]]]),
    ("label=ros%C3%A9", "both", [[[carries("rosé")]]]),
    ("label=rosé", "both", [[[carries("rosé")]]]),
    ("label=%D0%9A%D0%B0%D1%82%D1%8F", "both", [[[carries("катя")]]]),
    ("label=pulsarr%3Arosa", "both", [[[carries("pulsarr:rosa")]]]),
    ("label=pulsarr:rosa", "both", [[[carries("pulsarr:rosa")]]]),
    ("label=for%2Drosa", "both", [[[carries("for-rosa")]]]),
    ("label=rosa%2Ftim", "both", [[[carries("rosa/tim")]]]),
    ("label=a%7Cb", "both", [[[carries("a|b")]]]),
    ("label=a%3Db", "both", [[[carries("a=b")]]]),
    ("label=100%25", "both", [[[carries("100%")]]]),
    (
        "contentRating=de%2F0%2CFSK+0%2CAb+0+Jahren",
        "movies",
        [[[rated("de/0", "fsk 0", "ab 0 jahren")]]],
    ),
    ("contentRating=gb%2FU%2CUK%3A+U%2C0%2B", "movies", [[[rated("gb/u", "uk: u", "0+")]]]),
    ("contentRating=gb/12A,gb/15", "movies", [[[rated("gb/12a", "gb/15")]]]),
    ("label=rosa&label!=scary", "both", [[[carries("rosa")], [lacks("scary")]]]),
    ("label=rosa,family&label!=scary", "both", [[[carries("rosa", "family")], [lacks("scary")]]]),
    ("label=rosa%2Cfamily&label!=scary", "both", [[[carries("rosa", "family")], [lacks("scary")]]]),
    ("contentRating=G&label!=Row_tim", "movies", [[[rated("g")], [lacks("row_tim")]]]),
    ("contentRating!=NC-17&label!=Row_tim", "movies", [[[not_rated("nc-17")], [lacks("row_tim")]]]),
    ("contentRating=G&label=rosa", "movies", [[[rated("g")], [carries("rosa")]]]),
    ("label!=scary&contentRating!=R", "movies", [[[lacks("scary")], [not_rated("r")]]]),
    ("label!=scary&label!=uncut", "both", [[[lacks("scary")], [lacks("uncut")]]]),
    ("label=rosa&label=family", "both", [[[carries("rosa")], [carries("family")]]]),
    (
        "label=rosa&contentRating=G%2CPG&label!=scary",
        "movies",
        [[[carries("rosa")], [rated("g", "pg")], [lacks("scary")]]],
    ),
    ("contentRating=G|label=rosa", "movies", [[[rated("g"), carries("rosa")]]]),
    ("contentRating=G%2CPG|label=kids", "movies", [[[rated("g", "pg"), carries("kids")]]]),
    ("label=rosa|label!=scary", "both", [[[carries("rosa"), lacks("scary")]]]),
    ("label=rosa,family|label!=scary", "both", [[[carries("rosa", "family"), lacks("scary")]]]),
    ("label=rosa%2Cfamily|label!=scary", "both", [[[carries("rosa", "family"), lacks("scary")]]]),
    ("contentRating!=NC-17|label!=Row_tim", "movies", [[[not_rated("nc-17"), lacks("row_tim")]]]),
    ("label!=Row_tim|contentRating!=NC-17", "movies", [[[lacks("row_tim"), not_rated("nc-17")]]]),
    ("contentRating=G|label!=Row_tim", "movies", [[[rated("g"), lacks("row_tim")]]]),
    ("label=rosa|label=family", "both", [[[carries("rosa"), carries("family")]]]),
    (
        "contentRating=G|label=rosa&label!=scary",
        "movies",
        [[[rated("g"), carries("rosa")], [lacks("scary")]]],
    ),
    (
        "contentRating=TV-Y%2CTV-Y7|label=Hand%20Picked&label!=Not%20For%20Kids",
        "shows",
        [[[rated("tv-y", "tv-y7"), carries("hand picked")], [lacks("not for kids")]]],
    ),
    (
        "contentRating=X&label=rosa|contentRating=G",
        "movies",
        [[[rated("x")], [carries("rosa"), rated("g")]]],
    ),
    (
        "contentRating=G|label=rosa&contentRating=X",
        "movies",
        [[[rated("g"), carries("rosa")], [rated("x")]]],
    ),
    (
        "contentRating!=NC-17|contentRating=G&label!=Row_tim,rosa",
        "movies",
        [[[not_rated("nc-17"), rated("g")], [lacks("row_tim", "rosa")]]],
    ),
    (
        "contentRating=R,PG-13|label=rosa&label=overlay,rosa&label!=Row_tim",
        "movies",
        [
            [
                [rated("r", "pg-13"), carries("rosa")],
                [carries("overlay", "rosa")],
                [lacks("row_tim")],
            ]
        ],
    ),
    (
        "label!=scary&contentRating=G|label=rosa",
        "movies",
        [[[lacks("scary")], [rated("g"), carries("rosa")]]],
    ),
    ("genre=Horror", "movies", [[[strange("genre", "horror")]]]),
    ("label=rosa&genre=Horror", "movies", [[[carries("rosa")], [strange("genre", "horror")]]]),
    (
        "contentRating!=R|genre=NoSuchGenre&label!=Row_tim",
        "movies",
        [[[not_rated("r"), strange("genre", "nosuchgenre")], [lacks("row_tim")]]],
    ),
    ("label=Rosa+Martinez", "both", [[[carries("rosa+martinez")]], [[carries("rosa martinez")]]]),
    (
        "label=rosa%252Cfamily",
        "both",
        [[[carries("rosa%2cfamily")]], [[carries("rosa", "family")]]],
    ),
    (
        "label!=Rosa%2520Martinez",
        "both",
        [[[lacks("rosa%20martinez")]], [[lacks("rosa martinez")]]],
    ),
    ("label=Kids & Family", "both", NOT_UNDERSTOOD),
    ("label!=ZZ&Probe,rosa", "both", NOT_UNDERSTOOD),
    ("label!=rosa,,tim", "both", NOT_UNDERSTOOD),
    ("label=", "both", NOT_UNDERSTOOD),
    ("label!=", "both", NOT_UNDERSTOOD),
    ("rosa", "both", NOT_UNDERSTOOD),
    ("contentRating!=R,label!=scary", "movies", NOT_UNDERSTOOD),
    ("label=rosa&", "both", NOT_UNDERSTOOD),
    ("label==rosa", "both", NOT_UNDERSTOOD),
]
