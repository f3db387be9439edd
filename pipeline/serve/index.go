package serve

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// indexPage lists the persons.
type indexPage struct {
	Title   string
	Study   string
	Edits   bool
	Persons []personItem
}

// personItem is a person with their views, or why there is nothing to show.
type personItem struct {
	ID, Study, Report, Problem string
	Internal                   bool
	Views                      []viewItem
}

type viewItem struct {
	Name, URL string
	Sessions  int
	Period    string
	Verdicts  string
	Refused   string // sessions that are not compared
	Waiting   int    // edits that the results do not know yet
	view      string
	edits     []result.Edit // that the results know
}

// verdicts in the order in which they are told: what needs a look comes first.
var verdicts = []result.Verdict{result.Worsened, result.Improved, result.NoDetectableChange, result.NotComparable}

func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	ids, err := s.opts.Persons()
	if err != nil {
		s.fail(w, err)
		return
	}
	page := indexPage{Title: "Review", Edits: s.opts.Study != nil}
	var st study.Study
	if s.opts.Study != nil {
		now, err := s.opts.Study()
		if err != nil {
			s.fail(w, err)
			return
		}
		st = *now
	}
	for _, id := range ids {
		item, err := s.summary(id)
		if err != nil {
			item = personItem{ID: s.opts.Words.Plain(id), Problem: s.opts.Words.Plain(err.Error())}
		}
		i := slices.IndexFunc(st.Subjects, func(x study.Subject) bool { return x.ID == id })
		item.Views = slices.Clone(item.Views) // those of the cache are everybody's
		for k := range item.Views {
			if i >= 0 {
				item.Views[k].Waiting = pending(item.Views[k].edits, holding(&st.Subjects[i], item.Views[k].view))
			}
		}
		if page.Study == "" {
			page.Study = item.Study
		}
		page.Persons = append(page.Persons, item)
	}
	if page.Study != "" {
		page.Title = page.Study + " · review"
	}
	s.page(w, "index.html", page)
}

func (s *Server) newPersonItem(subject result.Subject) personItem {
	words := s.opts.Words
	item := personItem{ID: words.Plain(subject.ID), Study: words.Plain(subject.Study), Internal: subject.Internal, Report: reportURL(subject.ID)}
	for i := range subject.Series {
		v := &subject.Series[i]
		row := viewItem{Name: words.Name("view", v.View), URL: viewURL(subject.ID, v.View, ""), Sessions: len(v.Visits), Verdicts: s.verdictCounts(v), view: v.View, edits: v.Edits}
		var refused []string
		for _, visit := range v.Visits {
			if !visit.Comparable {
				refused = append(refused, words.Plain(visit.Session))
			}
		}
		row.Refused = strings.Join(refused, ", ")
		if n := len(v.Visits); n > 0 {
			row.Period = words.Plain(v.Visits[0].Date) + " – " + words.Plain(v.Visits[n-1].Date)
		}
		item.Views = append(item.Views, row)
	}
	return item
}

// verdictCounts are the verdicts on the primary metrics, and the safety flags.
func (s *Server) verdictCounts(v *result.Series) string {
	n, flags := map[result.Verdict]int{}, 0
	for _, t := range v.Trends {
		switch {
		case t.Role == "primary":
			n[t.Verdict]++
		case t.Role == "safety" && t.Verdict == result.Worsened:
			flags++
		}
	}
	var parts []string
	if flags > 0 {
		parts = append(parts, "possible worsening, examine: "+strconv.Itoa(flags))
	}
	for _, verdict := range verdicts {
		if n[verdict] > 0 {
			parts = append(parts, strings.ToLower(s.opts.Words.Name("verdict", string(verdict)))+": "+strconv.Itoa(n[verdict]))
		}
	}
	if len(parts) == 0 {
		return "no verdict"
	}
	return strings.Join(parts, "; ")
}

// viewURL, pictureURL and reportURL are where a view, a picture and the report of a
// person are found.
func viewURL(id, view, session string) string {
	u := "/view/" + url.PathEscape(id) + "/" + url.PathEscape(view)
	if session != "" {
		u += "?session=" + url.QueryEscape(session)
	}
	return u
}

func pictureURL(id, name string) string {
	folder, file, _ := strings.Cut(name, "/")
	return "/pictures/" + url.PathEscape(id) + "/" + url.PathEscape(folder) + "/" + url.PathEscape(file)
}

func reportURL(id string) string { return "/report/" + url.PathEscape(id) }
