package pipeline

import (
	_ "embed"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/metrics/trend"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

//go:embed sdc.csv
var shippedSDCFile []byte

// shippedSDC is the table that ships with the tool, made by `dermatrend validate`:
// the head of the file says on what.
var shippedSDC = func() result.SDCTable {
	t, err := result.ParseSDC(shippedSDCFile, "sdc.csv")
	if err != nil {
		panic(err) // shipped with the program
	}
	return t
}()

// readSDC reads the user's own table; nil where there is none.
func readSDC(path string) (*result.SDCTable, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("table of smallest detectable changes: %w", err)
	}
	t, err := result.ParseSDC(data, path)
	if err != nil {
		return nil, err
	}
	if t.Name == path {
		t.Name = "the user's table sha256:" + hash(data)[:12]
	}
	return &t, nil
}

// detectable is a smallest detectable change in the unit of its metric.
type detectable struct {
	change float64
	source string // for a reader
	full   bool   // holds day-to-day biology, not only the error of photographs
}

// smallestChange is what a change of a metric in a zone has to pass: the error of
// replicates in this series, else the user's table, else the shipped one, each at
// the comparability that the pair has reached. It is never below what the shipped
// table says of good pairs, and wider where the sessions scatter more about their
// line or few scars leave a count to chance. An error says why there is none.
func (r *seriesRun) smallestChange(zone string, m *metrics.Metric, base float64, status result.Status, days, values []float64) (detectable, error) {
	px := r.shots[0].pxPerMM
	row, known := shippedSDC.Find(m.Name, zone, status, px)
	good, _ := shippedSDC.Find(m.Name, zone, result.OK, px)
	if !known {
		return detectable{}, errors.New("no smallest detectable change is known for this measure at this scale")
	}
	unit := 1.0
	if m.Percent {
		if !(base > 0) {
			return detectable{}, errors.New("the baseline is 0: a change cannot be given in per cent")
		}
		unit = base / 100
	}
	floor := good.SDC * unit
	d := detectable{change: row.SDC * unit, source: shippedSDC.Name, full: row.Source == result.FullError}
	if r.sdc != nil {
		if own, ok := r.sdc.Find(m.Name, zone, status, px); ok {
			d = detectable{change: own.SDC * unit, source: r.sdc.Name, full: own.Source == result.FullError}
		}
	}
	d = r.replicated(d, zone, m.Name)
	if d.change < floor {
		d.change, d.source = floor, d.source+"; not below that of "+shippedSDC.Name
	}
	if chance := r.chanceOfFew(zone, m.Name) * base; chance > d.change {
		d.change, d.source = chance, d.source+"; widened because the baseline has few scars"
	}
	if len(days) >= 4 {
		sem := d.change / (1.96 * math.Sqrt2)
		if s, err := trend.KnownSEMSlope(days, values, sem); err == nil && s.ResidualSD > sem {
			d.change *= s.ResidualSD / sem
			d.source += "; widened to the scatter of the sessions"
		}
	}
	return d, nil
}

// fewReplicates is the number of degrees of freedom below which replicates of one
// series say too little for an error of their own (the t factor is 3.2 at 3): then
// they only widen that of the table.
const fewReplicates = 4

// replicated puts the error of a series' own replicates in place of the table's:
// that of several untreated days, else that of several photos of a session.
func (r *seriesRun) replicated(d detectable, zone, metric string) detectable {
	photos, days := r.replicates(zone, metric)
	for _, from := range []struct {
		groups [][]float64
		what   string
		full   bool
	}{{days, "untreated days in this study", true}, {photos, "replicate photos in this study", false}} {
		sem, err := trend.SEMFromReplicates(from.groups)
		if err != nil {
			continue
		}
		if sem.DF < fewReplicates {
			if wide := 1.96 * math.Sqrt2 * sem.Value; wide > d.change {
				d.change, d.source = wide, fmt.Sprintf("%s; widened to %s (%d degrees of freedom)", d.source, from.what, sem.DF)
			}
			continue
		}
		if t, err := trend.TFactor(sem.DF); err == nil {
			return detectable{1.96 * t * math.Sqrt2 * sem.Value, fmt.Sprintf("%s (%d degrees of freedom)", from.what, sem.DF), from.full}
		}
	}
	return d
}

// replicates groups the values of a metric at the sharpness of the series: those of
// each session's photos, and the means of the untreated days that the manifest
// marks as baselines, of a day with several sessions that of the first.
func (r *seriesRun) replicates(zone, metric string) (photos, days [][]float64) {
	var untreated []float64
	day := -1 // of the last of them
	for i := range r.series.Sessions {
		s := &r.series.Sessions[i]
		var group []float64
		sum := 0.0
		for _, v := range r.values {
			if v.zone == zone && v.metric.Name == metric && v.basis == result.BasisSeries && v.status != result.Refused && r.shots[v.shot].session == s {
				group, sum = append(group, v.v), sum+v.v
			}
		}
		photos = append(photos, group)
		if len(group) > 0 && (s.Baseline || i == 0) && s.DaysSinceTreatment == nil && s.Day != day {
			untreated, day = append(untreated, sum/float64(len(group))), s.Day
		}
	}
	return photos, [][]float64{untreated}
}

// leastScars is the number from which a mean over scars is more than the luck of one
// outline: on unchanged skin a single scar at the rim of the face lost all its
// contrast to a registration error of 2 mm. Of 41 rendered zones with two, the mean
// changed by at most 12 % where nothing speaks against the photos, which is what it
// does with many; of 21 with caution, by 55 % once.
func leastScars(status result.Status) float64 {
	if status == result.OK {
		return 2
	}
	return 3
}

// scarsAtBaseline is the number of scars of a scar metric's type at baseline; 0 for
// other metrics.
func (r *seriesRun) scarsAtBaseline(zone, metric string) float64 {
	name := ""
	for _, prefix := range []string{"scar_count", "scar_area_fraction", "scar_contrast"} {
		if kind, ok := strings.CutPrefix(metric, prefix); ok {
			name = "scar_count" + kind
		}
	}
	for _, v := range r.values {
		if name != "" && v.zone == zone && v.metric.Name == name && v.shot == 0 && v.basis == result.BasisNative && v.v > 0 {
			return v.v
		}
	}
	return 0
}

// chanceOfFew is the smallest detectable change, relative to the baseline, of a
// number or area of scars when finding each is a matter of chance: 1.96 sqrt(2/n)
// for n at baseline (Poisson). 0 for other metrics.
func (r *seriesRun) chanceOfFew(zone, metric string) float64 {
	if n := r.scarsAtBaseline(zone, metric); n > 0 && !followed(metric) {
		return 1.96 * math.Sqrt(2/n)
	}
	return 0
}
