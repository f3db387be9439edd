package report

import (
	"net/url"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/result"
)

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

func indexPage(idx Index) *indexView {
	page := &indexView{
		Study: plain(idx.StudyName, nameRunes), Clinic: plain(idx.Clinic, nameRunes), Version: plain(idx.Version, nameRunes),
		Counts: countVerdicts(nil),
	}
	rejections := slices.Clone(idx.Rejections)
	for _, s := range idx.Subjects {
		row := indexRow{
			ID: orDash(s.ID), Internal: s.Internal,
			// The leading "./" keeps a name with a colon from being read as a scheme.
			Href: "./" + url.PathEscape(s.ID) + "/report.html",
		}
		var trends []result.Trend
		for _, series := range s.Series {
			trends = append(trends, series.Trends...)
			rejections = append(rejections, series.Rejections...)
			row.Rejected += len(series.Rejections)
			row.Sessions = max(row.Sessions, len(series.Visits))
		}
		row.Dates = subjectFacts(s)[1].Value
		row.Counts = countVerdicts(trends)
		for i, c := range row.Counts {
			page.Counts[i].N += c.N
		}
		for _, t := range trends {
			if t.Role == roleSafety && t.Verdict == result.Worsened {
				row.Flags++
			}
		}
		page.Subjects = append(page.Subjects, row)
	}
	page.Rejections = groupRejections(uniqueRejections(rejections), true)
	return page
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
