package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/consent"
	"github.com/dermatrend/dermatrend/pipeline/reading"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// BlindOptions say what [Blind] writes.
type BlindOptions struct {
	Dir            string // folder of the pack, which must not exist yet
	Scale          string
	Zones          []string // crops to show; nil: the whole aligned picture, which shows a face
	Seed           uint64
	Repeats, Shams int // below 0: a fifth of the pairs, at least three
	AsOf           study.Date
	Study          *study.Study // asked for consent; its ledger gets the pack
	By             string       // who makes the pack, for the ledger
}

// BlindSummary says what a pack holds, for the terminal: it names persons.
type BlindSummary struct {
	reading.Pack
	Excluded     []Excluded
	Key, Changes string // files beside the pack, to stay at the clinic
	consent.Receipt
}

// ScaleNames are the scales of blinded readings.
func ScaleNames() []string {
	var names []string
	for _, s := range reading.Scales {
		names = append(names, s.Name)
	}
	return names
}

// Blind makes a pack of photo pairs for blinded readers from the folder out: of each
// person and view the baseline and the last comparable session, of persons whose
// consent covers research. Pack, key (DIR-key.csv) and the metrics' changes
// (DIR-key-metrics.csv), which are put aside before anybody has read, are written
// whole or not at all. The same results and options give the same bytes.
func Blind(ctx context.Context, out string, o BlindOptions) (sum BlindSummary, err error) {
	scale, err := reading.ScaleNamed(o.Scale)
	if err != nil {
		return sum, usagef("%w", err)
	}
	for _, z := range o.Zones {
		if !slices.Contains(study.ZoneNames, z) {
			return sum, usagef("there is no zone %q; there are %s", z, strings.Join(study.ZoneNames, ", "))
		}
	}
	if err := hasResults(out); err != nil {
		return sum, err
	}
	dir := filepath.Clean(o.Dir)
	sum.Key, sum.Changes = dir+"-key.csv", dir+"-key-metrics.csv"
	for _, name := range []string{dir, sum.Key, sum.Changes} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return sum, usagef("%s is there already; a pack and its key belong together, choose another name", name)
		}
	}
	if err := exportable(out, dir); err != nil {
		return sum, err
	}
	results, err := openOutdir(out)
	if err != nil {
		return sum, err
	}
	defer results.close()
	b := blinder{out: out, opts: o}
	register, err := askConsent(ctx, results, o.Study)
	if err != nil {
		return sum, err
	}
	if err := b.choose(ctx, results.earlier.ids(), register); err != nil {
		return sum, err
	}
	sum.Excluded = b.excluded
	if len(b.candidates) == 0 {
		return sum, usagef("there is no pair to show: see who was left out and why")
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return sum, err
	}
	staged, err := os.MkdirTemp(filepath.Dir(dir), ".dermatrend-blind-*")
	if err != nil {
		return sum, err
	}
	defer os.RemoveAll(staged)
	var key, changes []byte
	sum.Pack, key, changes, err = reading.WritePack(staged, b.candidates, reading.Options{Scale: scale, Seed: o.Seed, Repeats: o.Repeats, Shams: o.Shams, AsOf: o.AsOf.String()})
	if err != nil {
		return sum, err
	}
	if ctx.Err() != nil {
		return sum, context.Cause(ctx)
	}
	// The key first: a pack that nobody can resolve would be of no use.
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(sum.Key), os.RemoveAll(sum.Changes))
		}
	}()
	if err := errors.Join(writeSynced(sum.Key, key), writeSynced(sum.Changes, changes)); err != nil {
		return sum, err
	}
	e := consent.Entry{Subjects: b.shown, Scope: scopeResearch, AsOf: o.AsOf.String(), By: o.By, Note: "blinded reading"}
	sum.Receipt, err = consent.Release(ctx, o.Study, e, staged, dir, nil)
	return sum, changedMeanwhile(err)
}

// blinder collects what a pack shows.
type blinder struct {
	out        string
	opts       BlindOptions
	candidates []reading.Candidate
	shown      []string
	excluded   []Excluded
}

// choose asks for the consent of each person and takes the pairs of those who gave
// it.
func (b *blinder) choose(ctx context.Context, ids []string, register *consent.Register) error {
	for _, id := range ids {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s, err := result.LoadSubject(filepath.Join(b.out, id))
		if err != nil {
			return err
		}
		ok, why := register.Permits(id, scopeResearch, b.opts.AsOf)
		if !ok {
			b.excluded = append(b.excluded, Excluded{id, why})
			continue
		}
		before := len(b.candidates)
		for i := range s.Series {
			if err := b.series(id, &s.Series[i]); err != nil {
				return err
			}
		}
		if len(b.candidates) > before {
			b.shown = append(b.shown, id)
		}
	}
	return nil
}

// series takes the pairs of one view.
func (b *blinder) series(id string, v *result.Series) error {
	out := func(zone, format string, args ...any) {
		what := v.View
		if zone != "" {
			what += ", " + zone
		}
		b.excluded = append(b.excluded, Excluded{id + " (" + what + ")", fmt.Sprintf(format, args...)})
	}
	first := slices.IndexFunc(v.Visits, func(x result.Visit) bool { return x.Baseline && x.Pictures["aligned"] != "" })
	// Where treatments are recorded, a pair has one between: an untreated visit belongs
	// to the shams. Without, every visit looks untreated, which proves nothing.
	treated := slices.ContainsFunc(v.Visits, func(x result.Visit) bool { return x.DaysSinceTreatment != nil })
	last := -1
	var untreated []int
	for i, x := range v.Visits {
		if x.Pictures["aligned"] == "" || !x.Comparable && !x.Baseline {
			continue
		}
		if i != first && x.Day > 0 && (x.DaysSinceTreatment != nil || !treated) {
			last = i
		}
		if x.DaysSinceTreatment == nil {
			untreated = append(untreated, i)
		}
	}
	if first < 0 || last < 0 {
		out("", "no baseline and later comparable session with pictures")
		return nil
	}
	zones := b.opts.Zones
	if len(zones) == 0 {
		zones = []string{""}
	}
	for _, zone := range zones {
		c := reading.Candidate{Subject: id, View: v.View, Zone: zone, Changes: changesOf(v, zone, v.Visits[first].Session, v.Visits[last].Session)}
		shown := []int{first, last}
		if treated && len(untreated) > 1 {
			shown = append(shown, untreated[0], untreated[len(untreated)-1])
		}
		var photos []reading.Photo
		for _, i := range shown {
			p, ok, err := b.photo(id, v.Visits[i], zone)
			if err != nil {
				return err
			}
			if !ok {
				out(zone, "the zone was not measured at session %s", v.Visits[i].Session)
				break
			}
			photos = append(photos, p)
		}
		if len(photos) < len(shown) {
			continue
		}
		// One box for both, so that they show the same skin.
		for _, pair := range [][]int{{0, 1}, {2, 3}} {
			if pair[1] < len(photos) {
				box := photos[pair[0]].Box.Union(photos[pair[1]].Box)
				photos[pair[0]].Box, photos[pair[1]].Box = box, box
			}
		}
		c.Before, c.After = photos[0], photos[1]
		if len(photos) == 4 {
			c.Untreated = &[2]reading.Photo{photos[2], photos[3]}
		}
		b.candidates = append(b.candidates, c)
	}
	return nil
}

// photo is the picture of a visit with the box of a zone; false where the zone was
// not measured.
func (b *blinder) photo(id string, v result.Visit, zone string) (reading.Photo, bool, error) {
	rel := filepath.FromSlash(v.Pictures["aligned"])
	if !filepath.IsLocal(rel) {
		return reading.Photo{}, false, fmt.Errorf("%s: the picture %q lies outside its folder", id, rel)
	}
	p := reading.Photo{Session: v.Session, Day: v.Day, File: filepath.Join(b.out, id, rel)}
	if zone == "" {
		return p, true, nil
	}
	mask := filepath.Join(b.out, id, "masks", strings.TrimSuffix(filepath.Base(rel), filepath.Ext(rel))+".png")
	data, err := os.ReadFile(mask)
	if err != nil {
		return p, false, err
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return p, false, fmt.Errorf("%s: %w", mask, err)
	}
	indices, ok := img.(*image.Paletted)
	if !ok {
		return p, false, fmt.Errorf("%s: is no mask of zones", mask)
	}
	p.Box = boxOf(indices, uint8(slices.Index(study.ZoneNames, zone)+1))
	return p, !p.Box.Empty(), nil
}

// boxOf is the box around an index with a margin of a twentieth.
func boxOf(img *image.Paletted, index uint8) image.Rectangle {
	var box image.Rectangle
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
			if img.ColorIndexAt(x, y) == index {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if box.Empty() {
		return box
	}
	return box.Inset(-max(box.Dx(), box.Dy()) / 20).Intersect(img.Rect)
}

// changesOf are the metrics' changes between two sessions, per cent of baseline
// where the metric is read so: of one zone, or of all.
func changesOf(v *result.Series, zone, before, after string) []reading.Change {
	type place struct{ zone, metric string }
	type mean struct{ sum, n [2]float64 }
	values := map[place]*mean{}
	var order []place
	for _, m := range v.Measurements {
		side := slices.Index([]string{before, after}, m.Session)
		if side < 0 || m.Basis != result.BasisSeries || m.Status == result.Refused || !m.Value.Known() || zone != "" && m.Zone != zone {
			continue
		}
		at := place{m.Zone, m.Metric}
		if values[at] == nil {
			values[at] = &mean{}
			order = append(order, at)
		}
		values[at].sum[side] += float64(m.Value)
		values[at].n[side]++
	}
	units := map[string]metrics.Metric{}
	for _, m := range metrics.All() {
		units[m.Name] = m
	}
	var out []reading.Change
	for _, at := range order {
		m, metric := values[at], units[at.metric]
		base := m.sum[0] / m.n[0]
		c := reading.Change{Zone: at.zone, Metric: at.metric, Unit: metric.Unit, Value: m.sum[1]/m.n[1] - base}
		if metric.Percent {
			c.Unit, c.Value = "percent_of_baseline", 100*c.Value/base
		}
		if !math.IsNaN(c.Value) && !math.IsInf(c.Value, 0) {
			out = append(out, c)
		}
	}
	return out
}

// Unblind reads the key and the readers' sheets of a pack and writes what they come
// to into the folder dir, which must be missing or empty. The metrics are compared
// where the file of their changes lies beside the key.
func Unblind(pack, key string, sheets []string, dir string) (reading.Analysis, error) {
	var none reading.Analysis
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return none, usagef("%s is not empty; choose another folder", dir)
	}
	k, err := reading.LoadKey(key, pack)
	if err != nil {
		return none, usagef("%w", err)
	}
	var all []reading.Sheet
	var errs []error
	for _, name := range sheets {
		s, err := reading.LoadSheet(name, k)
		all, errs = append(all, s), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return none, usagef("%w", err)
	}
	changes, err := reading.LoadChanges(strings.TrimSuffix(key, ".csv") + "-metrics.csv")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return none, usagef("%w", err)
	}
	a, err := reading.Analyse(k, all, changes)
	if err != nil {
		return none, usagef("%w", err)
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o700); err != nil {
		return none, err
	}
	staged, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".dermatrend-unblind-*")
	if err != nil {
		return none, err
	}
	defer os.RemoveAll(staged)
	for _, f := range a.Files() {
		if err := writeSynced(filepath.Join(staged, f.Name), f.Data); err != nil {
			return none, err
		}
	}
	if err := os.RemoveAll(dir); err != nil { // empty, or not there
		return none, err
	}
	return a, os.Rename(staged, dir)
}
