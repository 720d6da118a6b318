package parts

import (
	"maps"
	"slices"
)

// Icons returns the names of all icons, in order.
func Icons() []string { return slices.Sorted(maps.Keys(icons)) }

// icons are strokes on a ground of 24 by 24.
var icons = map[string]string{
	"home":        "M4 11 12 4l8 7M6 9.5V20h12V9.5M10 20v-5h4v5",
	"config":      "M6 3h8l4 4v14H6ZM14 3v4h4M9 12h6M9 16h6",
	"services":    "M12 3a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM5.5 15a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM18.5 15a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM10.5 8.600 7 15.400M13.5 8.600l3.5 6.800M8.5 18h7",
	"feed":        "M3 12h4l3-8 4 16 3-8h4",
	"clients":     "M4 5h16v10H4ZM9 20h6M12 15v5",
	"cluster":     "M5 4h14v6H5ZM5 14h14v6H5ZM8.5 7h.01M8.5 17h.01M12 7h4M12 17h4",
	"namespaces":  "M12 3 3 8l9 5 9-5ZM3 12.5l9 5 9-5M3 17l9 5 9-5",
	"transfer":    "M8 4v13M4 8l4-4 4 4M16 20V7M12 16l4 4 4-4",
	"connect":     "M9 7V3M15 7V3M7 7h10v5a5 5 0 0 1-10 0ZM12 17v4",
	"deleted":     "M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13M10 11v5M14 11v5",
	"history":     "M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5M12 8v4.5l3 2",
	"search":      "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.5 15.5 21 21",
	"keyboard":    "M3 6h18v12H3ZM7 10h.01M11 10h.01M15 10h.01M7 14h10",
	"menu":        "M4 7h16M4 12h16M4 17h16",
	"close":       "M6 6l12 12M18 6 6 18",
	"chevrons":    "M8 10l4-4 4 4M8 14l4 4 4-4",
	"chevron":     "M9 6l6 6-6 6",
	"user":        "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 20c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5",
	"theme-auto":  "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 3v18M12 7h4.500M12 11h6M12 15h5.5",
	"theme-light": "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2.500M12 19.500V22M2 12h2.500M19.5 12H22M5 5l1.7 1.700M17.3 17.3 19 19M5 19l1.7-1.700M17.3 6.7 19 5",
	"theme-dark":  "M20 14.500A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.500Z",
	"good":        "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM8 12.300l2.8 2.700L16.2 9.5",
	"warning":     "M12 3.5 22 20.500H2ZM12 10v5M12 17.700v.1",
	"wait":        "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 7.500V12l3 2",
	"off":         "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM8 12h8",
	"plus":        "M12 5v14M5 12h14",
	"edit":        "M4 20l1-4.500L16 4.500l3.5 3.500L8.5 19ZM14 6.500l3.5 3.5",
	"download":    "M12 4v11M7.5 11l4.5 4.500L16.5 11M4 20h16",
	"upload":      "M12 16V5M7.5 9 12 4.5 16.5 9M4 20h16",
	"copy":        "M9 9h11v11H9ZM5 15H4V4h11v1",
	"pause":       "M8 5v14M16 5v14",
	"play":        "M7 4.500v15L19 12Z",
	"undo":        "M4 9h10a5.5 5.5 0 0 1 0 11H9M8 5 4 9l4 4",
	"canary":      "M4 12h7M11 12l6-6h3M11 12l6 6h3M17.5 3.5 20 6l-2.5 2.500M17.5 15.5 20 18l-2.5 2.5",
	"filter":      "M4 5h16l-6.5 8v6l-3-1.500V13Z",
}
