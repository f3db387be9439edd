package report

import (
	"html/template"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// viewerView is the before/after slider with its strip of sessions.
type viewerView struct {
	ID            string
	W, H          int // frame of the pictures
	Base          layer
	Others        []layer
	Overlays      []overlaySwitch
	Strip         []thumb
	BarMM         int // length of the scale bar; 0 without a scale
	BarX, BarY    int
	BarW, BarH    int
	BarText       int // font size
	HasComparison bool
	Scaled        string // that the pictures are smaller than the files, for the size of the report
}

// layer is the picture of one session with what lies on it.
type layer struct {
	ID       string
	Label    string
	Alt      string
	Warning  string // why the session is not comparable
	Src      template.HTMLAttr
	Overlays []overlay
	Shown    bool
}

type overlay struct {
	Kind, Alt string
	Src       template.HTMLAttr
}

type overlaySwitch struct{ Kind, Label, Missing string }

// thumb is one session in the strip.
type thumb struct {
	Layer              string // id of its layer; empty for the baseline and where there is no picture
	Session, When      string
	Status, Note       string // Status: baseline, ok, caution, refused
	Alt                string
	Src                template.HTMLAttr
	W, H               int
	Selected, HasThumb bool
}

func newViewerView(id string, s result.Series, g *gallery) viewerView {
	v := viewerView{ID: id}
	if g.width > 0 {
		v.Scaled = tell("viewer.scaled", g.width)
	}
	base := baseline(s.Visits)
	chosen := compared(s, g)
	lacking := map[string][]string{} // overlay -> sessions without it
	present := map[string]bool{}
	for i, visit := range s.Visits {
		label := visitLabel(visit)
		t := thumb{Session: orDash(visit.Session), When: when(visit), Note: plain(visit.Reason, reasonRunes)}
		switch {
		case i == base:
			t.Status = "baseline"
		case !visit.Comparable:
			t.Status = "refused"
			t.Note = reason(visit.Reason)
		case visit.Reason != "":
			t.Status = "caution"
		default:
			t.Status = "ok"
		}
		pic, ok := g.pictures[visit.Pictures[aligned]]
		if small, isThumb := g.thumbs[visit.Pictures[aligned]]; ok && isThumb {
			t.HasThumb, t.Src, t.Alt = true, small.src(), tell("alt.thumb", label)
			t.W, t.H = thumbWidth/2, max(1, thumbWidth/2*small.h/small.w)
		}
		if ok {
			l := layer{ID: id + "-s" + strconv.Itoa(i), Label: label, Alt: tell("alt.aligned", label), Src: pic.src()}
			if t.Status == "refused" {
				l.Warning = tell("viewer.not_comparable", t.Note)
			}
			for _, kind := range overlayKinds {
				over, ok := g.pictures[visit.Pictures[kind]]
				if !ok {
					lacking[kind] = append(lacking[kind], t.Session)
					continue
				}
				present[kind] = true
				l.Overlays = append(l.Overlays, overlay{kind, tell("alt.overlay", name("overlay", kind), label), over.src()})
			}
			if i == base {
				l.Shown = true
				v.Base, v.W, v.H = l, pic.w, pic.h
			} else {
				l.Shown = i == chosen
				t.Layer, t.Selected = l.ID, l.Shown
				v.Others = append(v.Others, l)
			}
		}
		v.Strip = append(v.Strip, t)
	}
	if v.W == 0 { // nothing to compare with
		v.Others = nil
		for i := range v.Strip {
			v.Strip[i].Layer = ""
		}
	}
	v.HasComparison = len(v.Others) > 0
	for _, kind := range overlayKinds {
		if present[kind] {
			sw := overlaySwitch{Kind: kind, Label: name("overlay", kind)}
			if len(lacking[kind]) > 0 {
				sw.Missing = tell("viewer.overlay_missing", strings.Join(lacking[kind], ", "))
			}
			v.Overlays = append(v.Overlays, sw)
		}
	}
	v.scaleBar(s.PictureMMPerPx)
	return v
}

// scaleBar makes the longest round bar that takes at most a quarter of the
// picture's width.
func (v *viewerView) scaleBar(mmPerPx result.Number) {
	if v.W == 0 || !mmPerPx.Known() || mmPerPx <= 0 {
		return
	}
	for _, mm := range []int{50, 20, 10, 5, 2, 1} {
		px := float64(mm) / float64(mmPerPx)
		if px <= float64(v.W)/4 {
			v.BarMM, v.BarW = mm, int(px+0.5)
			v.BarText = max(8, v.W/36)
			v.BarH = max(2, v.W/150)
			v.BarX, v.BarY = v.W/30, v.H-v.W/30-v.BarH
			return
		}
	}
}

// BarTextY and BarTextX place the words above the bar.
func (v viewerView) BarTextY() int { return v.BarY - v.BarText/2 }

// BackX, BackY, BackW and BackH frame the bar and its words.
func (v viewerView) BackX() int { return v.BarX - v.BarText/2 }
func (v viewerView) BackY() int { return v.BarTextY() - v.BarText*5/4 }
func (v viewerView) BackW() int { return max(v.BarW, 4*v.BarText) + v.BarText }
func (v viewerView) BackH() int { return v.BarY + v.BarH + v.BarText/2 - v.BackY() }

// baseline is the index of the visit that the others are compared with; -1
// without visits.
func baseline(visits []result.Visit) int {
	for i, v := range visits {
		if v.Baseline {
			return i
		}
	}
	return min(0, len(visits)-1)
}

// compared is the visit that the slider opens with: the one of the verdict,
// else the latest comparable one, else the latest; only one with a picture.
func compared(s result.Series, g *gallery) int {
	base, best, rank := baseline(s.Visits), -1, 0
	verdict := ""
	for _, t := range s.Trends {
		if t.Role == rolePrimary && t.LatestSession != "" {
			verdict = t.LatestSession
		}
	}
	for i, v := range s.Visits {
		if _, ok := g.pictures[v.Pictures[aligned]]; !ok || i == base {
			continue
		}
		r := 1
		switch {
		case v.Session == verdict:
			r = 3
		case v.Comparable:
			r = 2
		}
		if r >= rank {
			best, rank = i, r
		}
	}
	return best
}
