package report

import (
	"net/url"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Index is the first page of an output folder while it is put together: a row for
// each person, not what the rows were made from.
type Index struct {
	Clinic         string
	study, version string
	rows           []indexRow
	rejections     []result.Rejection
	counts         []indexCount
}

// NewIndex is an index without persons.
func NewIndex(study, version string) *Index {
	return &Index{study: study, version: version, counts: countVerdicts(nil)}
}

// indexView is the first page of an output folder.
type indexView struct {
	Study, Clinic, Version string
	Subjects               []indexRow
	Rejections             []refusalGroup
	Counts                 []indexCount
}

type indexRow struct {
	ID, Href, Dates string
	Sessions        int
	Internal        bool
	Counts          []indexCount
	Flags, Rejected int
}

type indexCount struct {
	Verdict, Word string
	N             int
}

// Add puts a person on the page.
func (x *Index) Add(s result.Subject) {
	row := indexRow{
		ID: orDash(s.ID), Internal: s.Internal,
		// The leading "./" keeps a name with a colon from being read as a scheme.
		Href: "./" + url.PathEscape(s.ID) + "/report.html",
	}
	var trends []result.Trend
	for _, series := range s.Series {
		trends = append(trends, series.Trends...)
		x.rejections = append(x.rejections, series.Rejections...)
		row.Rejected += len(series.Rejections)
		row.Sessions = max(row.Sessions, len(series.Visits))
	}
	row.Dates = subjectFacts(s)[1].Value
	row.Counts = countVerdicts(trends)
	for i, c := range row.Counts {
		x.counts[i].N += c.N
	}
	for _, t := range trends {
		if t.Role == roleSafety && t.Verdict == result.Worsened {
			row.Flags++
		}
	}
	x.rows = append(x.rows, row)
}

func (x *Index) page() *indexView {
	return &indexView{
		Study: plain(x.study, nameRunes), Clinic: plain(x.Clinic, nameRunes), Version: plain(x.version, nameRunes),
		Subjects: x.rows, Counts: x.counts,
		Rejections: groupRejections(uniqueRejections(x.rejections), true),
	}
}

// countVerdicts counts the verdicts of the primary metrics, in fixed order.
func countVerdicts(trends []result.Trend) []indexCount {
	var list []indexCount
	for _, v := range verdicts {
		c := indexCount{Verdict: string(v), Word: name("verdict", string(v))}
		for _, t := range trends {
			if t.Role == rolePrimary && t.Verdict == v {
				c.N++
			}
		}
		list = append(list, c)
	}
	return list
}

// uniqueRejections drops repeats: those of a series may be listed for the study
// as well.
func uniqueRejections(list []result.Rejection) []result.Rejection {
	seen := map[result.Rejection]bool{}
	var out []result.Rejection
	for _, r := range list {
		if !seen[r] {
			seen[r] = true
			out = append(out, r)
		}
	}
	return out
}
