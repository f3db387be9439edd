package report

import (
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// faceMap is a drawn face whose zones show the verdict on one metric by colour,
// pattern and mark. It looks at the reader: the person's left is on the right.
type faceMap struct {
	Title, Alt string
	Zones      []mapZone
}

type mapZone struct {
	Path, Class, Mark, Label string
	X, Y                     int // of the mark
}

// outline of a zone in a field of 200 x 250, and the place of its mark.
type outline struct {
	path string
	x, y int
}

// outlines of the zones; those of the person's right are mirrored at x = 100.
var outlines = map[string]outline{
	"forehead":         {"M52 88 C50 60 66 38 100 38 C134 38 150 60 148 88 C130 78 114 82 100 86 C86 82 70 78 52 88 Z", 100, 66},
	"nose":             {"M92 104 C92 96 108 96 108 104 L115 142 C116 153 109 156 100 156 C91 156 84 153 85 142 Z", 100, 140},
	"cheek_left":       {"M120 132 C132 127 146 124 157 124 C157 148 150 172 136 190 C130 182 128 170 121 158 Z", 140, 152},
	"cheek_right":      {"M80 132 C68 127 54 124 43 124 C43 148 50 172 64 190 C70 182 72 170 79 158 Z", 60, 152},
	"chin":             {"M78 203 C86 208 114 208 122 203 C124 214 117 228 100 229 C83 228 76 214 78 203 Z", 100, 217},
	"periorbital_left": {"M112 102 C116 90 150 88 156 104 C155 118 136 125 118 122 C112 116 111 108 112 102 Z M119 105 C124 98 143 98 148 106 C142 114 124 114 119 105 Z", 134, 119},
	"periorbital_right": {"M88 102 C84 90 50 88 44 104 C45 118 64 125 82 122 C88 116 89 108 88 102 Z " +
		"M81 105 C76 98 57 98 52 106 C58 114 76 114 81 105 Z", 66, 119},
	"perioral": {"M76 168 C84 160 116 160 124 168 C130 180 128 194 120 199 C112 203 88 203 80 199 C72 194 70 180 76 168 Z " +
		"M80 181 C88 175 112 175 120 181 C112 191 88 191 80 181 Z", 100, 173},
}

// newFaceMap draws the verdicts of a metric; nil where none is on a known zone.
func newFaceMap(metric string, trends []result.Trend) *faceMap {
	m := &faceMap{Title: name("metric", metric)}
	var words []string
	judged := false
	for _, zone := range study.ZoneNames {
		o := outlines[zone]
		z := mapZone{Path: o.path, Class: "none", X: o.x, Y: o.y, Label: name("zone", zone) + ": " + tell("map.not_judged")}
		if t := find(trends, metric, zone); t != nil {
			judged = true
			z.Class, z.Mark = string(t.Verdict), marks[t.Verdict]
			z.Label = name("zone", zone) + ": " + name("verdict", string(t.Verdict))
			words = append(words, z.Label)
		}
		m.Zones = append(m.Zones, z)
	}
	if !judged {
		return nil
	}
	m.Alt = tell("map.alt", m.Title, strings.Join(words, "; "))
	return m
}
