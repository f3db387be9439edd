package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/export"
	"github.com/dermatrend/dermatrend/pipeline/pdf"
	"github.com/dermatrend/dermatrend/pipeline/report"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// ReportLanguages are those of pages that are handed out, ISO 639-1.
func ReportLanguages() []string { return report.Languages() }

// HandOutOptions say what [HandOut] writes.
type HandOutOptions struct {
	consent.Request
	Dir      string       // folder to write; an earlier hand-out there is replaced
	Study    *study.Study // asked for consent; its ledger gets the hand-out
	Subjects []string     // nil: all
	Language string       // ISO 639-1; empty for English
	By       string       // who hands out, for the ledger
	Version  string       // of the tool
	PDF      bool         // pages as PDF as well; see [CanPrint]
}

// HandOutSummary says what was handed out, for the terminal: it names persons.
type HandOutSummary struct {
	Persons  int
	Excluded []Excluded // persons, and views of persons
	Key      string     // file of the codes
	consent.Receipt
}

// HandOut writes reports that leave the clinic from the results in the folder out: a
// folder for each person, called by a code, with a page and its pictures. It is the
// only way for photos to leave. Everybody is asked for consent twice, at first and
// again when the person's folder is put in place, and each folder is entered into
// the ledger by itself, so that a withdrawal removes no one else's. The key of the
// codes lies beside the folder as DIR-key.csv and is used again: the same results
// then give the same bytes.
func HandOut(ctx context.Context, out string, o HandOutOptions) (HandOutSummary, error) {
	dir := filepath.Clean(o.Dir)
	sum := HandOutSummary{Key: dir + "-key.csv"}
	if err := o.Check(); err != nil {
		return sum, usagef("%w", err)
	}
	if !slices.Contains(report.Languages(), cmp.Or(o.Language, "en")) {
		return sum, usagef("no language %q; there are %s", o.Language, strings.Join(report.Languages(), ", "))
	}
	if err := hasResults(out); err != nil {
		return sum, err
	}
	if err := apart(out, dir); err != nil {
		return sum, err
	}
	results, err := openOutdir(out)
	if err != nil {
		return sum, err
	}
	defer results.close()
	register, err := askConsent(ctx, results, o.Study)
	if err != nil {
		return sum, err
	}
	ids := results.earlier.ids()
	for _, want := range o.Subjects {
		if !slices.Contains(ids, want) {
			return sum, usagef("there is no subject %q in %s", want, out)
		}
	}
	earlier, err := handedOut(dir, sum.Key, ids)
	if err != nil {
		return sum, err
	}
	key, err := export.LoadKey(sum.Key)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = export.NewKey(), nil
	}
	if err != nil {
		return sum, usagef("%w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return sum, err
	}
	staged, err := os.MkdirTemp(filepath.Dir(dir), ".dermatrend-report-*")
	if err != nil {
		return sum, err
	}
	defer os.RemoveAll(staged)
	var printer *pdf.Printer
	if o.PDF {
		if printer, err = pdf.Open(ctx); err != nil {
			return sum, err
		}
		defer printer.Close()
	}
	h := handOut{printer: printer, out: out, opts: o, key: key, staged: staged, sum: &sum}
	if o.Audience == consent.ForPatient {
		if h.logo, err = clinicLogo(o.Study); err != nil {
			return sum, usagef("the clinic's logo, %s: %w", o.Study.Clinic.Logo, err)
		}
	}
	if err := h.stage(ctx, ids, register); err != nil {
		return sum, err
	}
	if len(h.ready) == 0 {
		return sum, usagef("there is nobody to show: see who was left out and why")
	}
	// The key first: codes that nobody can resolve would be of no use.
	if err := key.Save(sum.Key); err != nil {
		return sum, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return sum, err
	}
	for _, code := range earlier {
		if err := os.RemoveAll(filepath.Join(dir, code)); err != nil {
			return sum, err
		}
	}
	return sum, h.release(ctx, dir)
}

// handedOut lists the folders of an earlier hand-out in dir, and refuses a folder
// that holds anything else.
func handedOut(dir, keyFile string, ids []string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, usagef("report: %w", err)
	}
	var codes, found []string
	if key, err := export.LoadKey(keyFile); err == nil {
		for _, id := range ids {
			codes = append(codes, key.Code(id))
		}
	}
	for _, e := range entries {
		if !e.IsDir() || !slices.Contains(codes, e.Name()) {
			return nil, usagef("report: %s is there already and holds more than reports of the key %s (%s); choose another folder", dir, keyFile, e.Name())
		}
		found = append(found, e.Name())
	}
	return found, nil
}

// handOut is one hand-out.
type handOut struct {
	out     string
	opts    HandOutOptions
	key     *export.Key
	staged  string
	printer *pdf.Printer // nil: no PDF
	logo    []byte       // of the clinic, for patients
	ready   []string     // persons whose folders are staged
	sum     *HandOutSummary
}

func (h *handOut) leaveOut(who, why string) {
	h.sum.Excluded = append(h.sum.Excluded, Excluded{who, why})
}

// stage writes the folder of each person who may be shown and can be.
func (h *handOut) stage(ctx context.Context, ids []string, register *consent.Register) error {
	for _, id := range ids {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if len(h.opts.Subjects) > 0 && !slices.Contains(h.opts.Subjects, id) {
			continue
		}
		if ok, why := register.Allows(id, h.opts.Request); !ok {
			h.leaveOut(id, why)
			continue
		}
		s, err := result.LoadSubject(filepath.Join(h.out, id))
		if err != nil {
			return err
		}
		dir := filepath.Join(h.staged, h.key.Code(id))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		s.ID = id // the folder's name is what consent was looked up by
		write := h.write
		if h.opts.Audience == consent.ForPatient {
			write = h.writePatient
		}
		shown, err := write(dir, s)
		if err != nil {
			return err
		}
		if shown && h.printer != nil {
			if err := h.print(ctx, dir); err != nil {
				return err
			}
		}
		if shown {
			h.ready = append(h.ready, id)
		}
	}
	return nil
}

// print makes a PDF of each page in a staged folder.
func (h *handOut) print(ctx context.Context, dir string) error {
	pages, err := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		if err := h.printer.Print(ctx, page, pdfOf(page)); err != nil {
			return err
		}
	}
	return nil
}

// release puts the staged folders in place, each with its entry in the ledger.
func (h *handOut) release(ctx context.Context, dir string) error {
	q := h.opts.Request
	note := fmt.Sprintf("report for %s", q.Audience)
	if q.Level != "" {
		note += fmt.Sprintf(", level %s", q.Level)
	}
	if q.Zone != "" {
		note += ", " + q.Zone
	}
	if q.NoMarks != "" {
		note += "; no tattoo or distinctive mark: confirmed by " + q.NoMarks
	}
	if q.ReviewedBy != "" {
		note += fmt.Sprintf("; reviewed by %s on %s", q.ReviewedBy, q.ReviewedOn)
	}
	scopes := q.Scopes()
	for _, id := range h.ready {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		e := consent.Entry{Subjects: []string{id}, Scope: scopes[0], Also: scopes[1:], AsOf: q.On.String(), By: h.opts.By, Note: note}
		code := h.key.Code(id)
		receipt, err := consent.Release(ctx, h.opts.Study, e, filepath.Join(h.staged, code), filepath.Join(dir, code), nil)
		// Consent may have been withdrawn while the others' pages were made.
		if n := (consent.NotCoveredError{}); errors.As(err, &n) {
			h.leaveOut(id, n.Why)
			continue
		}
		if err != nil {
			return err
		}
		h.sum.Head = receipt.Head
		h.sum.ClockBack = h.sum.ClockBack || receipt.ClockBack
		h.sum.Persons++
	}
	return nil
}

// write fills the folder of a person; false where there is nothing to show, which it
// has then listed.
func (h *handOut) write(dir string, s result.Subject) (bool, error) {
	q := h.opts.Request
	p := report.Publication{
		Language: h.opts.Language, Audience: string(q.Audience), Level: string(q.Level), Zone: q.Zone,
		Code: h.key.Code(s.ID), Version: h.opts.Version,
	}
	// Only marketing is the clinic's own voice; else its name, and the day of the
	// review, would say where the person lives and when they were there.
	if q.Audience == consent.ForMarketing {
		p.Clinic, p.ReviewedBy, p.ReviewedOn = s.Clinic, q.ReviewedBy, q.ReviewedOn.String()
	}
	root, err := os.OpenRoot(filepath.Join(h.out, s.ID))
	if err != nil {
		return false, err
	}
	defer root.Close()
	for i := range s.Series {
		pair, err := h.pair(root, s, &s.Series[i])
		if err != nil {
			who := s.ID
			if len(s.Series) > 1 {
				who += " (" + s.Series[i].View + ")"
			}
			h.leaveOut(who, err.Error())
			continue
		}
		for _, shown := range []*report.Shown{&pair.Baseline, &pair.Latest} {
			shown.File = fmt.Sprintf("view-%d-day-%03d.png", i+1, shown.Day)
		}
		p.Pairs = append(p.Pairs, pair)
	}
	if len(s.Series) == 0 {
		h.leaveOut(s.ID, "there are no results")
	}
	if len(p.Pairs) == 0 {
		return false, nil
	}
	return true, report.WritePublication(dir, p)
}

// writePatient fills the folder of a person with their own report.
func (h *handOut) writePatient(dir string, s result.Subject) (bool, error) {
	q := h.opts.Request
	o := report.PatientOptions{Lang: h.opts.Language, Clinic: h.opts.Study.Clinic.Name, Logo: h.logo, ReviewedBy: q.ReviewedBy, ReviewedOn: q.ReviewedOn.String(), Dates: true}
	for i := range s.Series {
		for j := range s.Series[i].Visits {
			x := &s.Series[i].Visits[j]
			if q.ReviewedBy != "" && o.ReviewedOn < x.Date {
				h.leaveOut(s.ID, fmt.Sprintf("the review of %s is older than the photo of %s", o.ReviewedOn, x.Date))
				return false, nil
			}
			if !h.kept(s.ID, s.Series[i].View, *x) {
				x.Pictures = nil
			}
		}
	}
	return true, report.WritePatient(dir, filepath.Join(h.out, s.ID), s, o)
}

// pair takes the baseline and the latest session of a view that can be compared with
// it, and that any can; its error is the reason why there is none.
func (h *handOut) pair(root *os.Root, s result.Subject, v *result.Series) (report.Pair, error) {
	p := report.Pair{MMPerPx: v.PictureMMPerPx, Series: *v}
	first := slices.IndexFunc(v.Visits, func(x result.Visit) bool { return x.Baseline })
	if first < 0 {
		return p, errors.New("there is no baseline")
	}
	base := v.Visits[first]
	if why := h.unfit(s.ID, v, base); why != "" {
		return p, fmt.Errorf("baseline: %s", why)
	}
	later := slices.Clone(v.Visits)
	later = slices.DeleteFunc(later, func(x result.Visit) bool { return x.Baseline || x.Day <= base.Day })
	slices.SortStableFunc(later, func(a, b result.Visit) int { return cmp.Compare(b.Day, a.Day) })
	var whys []string
	for _, x := range later {
		why := h.unfit(s.ID, v, x)
		if why == "" {
			pictures, err := h.pictures(root, v.View, base, x)
			if err == nil {
				return h.finish(p, s, base, x, pictures)
			}
			why = err.Error()
		}
		p.NotShown = append(p.NotShown, report.Shown{Day: x.Day})
		whys = append(whys, fmt.Sprintf("day %d: %s", x.Day, why))
	}
	if len(whys) == 0 {
		return p, errors.New("there is no session after the baseline")
	}
	return p, errors.New(strings.Join(whys, "; "))
}

// finish makes the pair of two sessions that can be compared.
func (h *handOut) finish(p report.Pair, s result.Subject, base, latest result.Visit, pictures [2][]byte) (report.Pair, error) {
	q := h.opts.Request
	if q.Audience == consent.ForMarketing {
		if since := latest.Day - base.Day; since < consent.MarketingFromDay {
			return p, fmt.Errorf("marketing shows nothing before day %d; the latest session that can be compared is of day %d", consent.MarketingFromDay, since)
		}
		if q.ReviewedOn.String() < latest.Date {
			return p, fmt.Errorf("the review of %s is older than the photo of %s", q.ReviewedOn, latest.Date)
		}
	}
	for _, t := range s.Treatments {
		// One of the day of a photo follows the photo.
		if base.Date <= t.Date && t.Date < latest.Date {
			p.Treatments++
		}
	}
	shown := func(x result.Visit, png []byte) report.Shown {
		return report.Shown{Session: x.Session, Day: x.Day, DaysSinceTreatment: x.DaysSinceTreatment, PNG: png}
	}
	p.Baseline, p.Latest = shown(base, pictures[0]), shown(latest, pictures[1])
	return p, nil
}

// unfit says why a visit must not stand beside the baseline; empty where it may. A
// picture shows light, colour, pose and swelling at once, so that one refused check
// of the photo or the zone is enough, but for those of the pixels per millimetre,
// which say what can be measured.
func (h *handOut) unfit(id string, v *result.Series, x result.Visit) string {
	switch {
	case !h.kept(id, v.View, x):
		return "the photo is not in the study any more"
	case x.Pictures["aligned"] == "":
		return cmp.Or(x.Reason, "there is no picture")
	case !x.Comparable && !x.Baseline:
		return "not comparable: " + cmp.Or(x.Reason, "no reason is recorded")
	}
	for _, c := range v.Comparability {
		if c.Session == x.Session && c.Photo == x.Photo && c.Status == result.Refused && !strings.HasPrefix(c.Check, "resolution_") && report.Concerns(c.Check, h.opts.Zone) {
			return fmt.Sprintf("not comparable: the check %s was not passed", c.Check)
		}
	}
	return ""
}

// kept tells whether the study still has the photo of a visit: one that was taken out
// of the manifest is not handed out.
func (h *handOut) kept(id, view string, x result.Visit) bool {
	for _, s := range h.opts.Study.Subjects {
		for _, session := range s.Sessions {
			if s.ID == id && session.ID == x.Session && slices.ContainsFunc(session.Photos, func(p study.Photo) bool { return p.View == view && p.File == x.Photo }) {
				return true
			}
		}
	}
	return false
}
