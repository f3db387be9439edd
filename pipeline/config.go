package pipeline

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Config holds the settings that change results. A setting exists only where two
// users need different values.
type Config struct {
	// FaceModel is the path of a YuNet face detector in ONNX form; empty for the
	// cascade that ships with the program.
	FaceModel string `json:"face_model,omitempty"`
	// SDC is the path of a table of smallest detectable changes, as `dermatrend
	// validate` writes it, that is preferred to the shipped one; empty for none.
	SDC string `json:"sdc,omitempty"`
	// PictureSide is the width of the aligned pictures, px.
	PictureSide int `json:"picture_side"`
	// Scale, MarkerMM and Zones are the study's choice: the source of px/mm (marker,
	// manifest, iris, none; empty or auto: the best there is), the side of markers that
	// are not ours, mm (0: those of `dermatrend marker`), and the zones to measure (nil:
	// all). Run takes them from the study.
	Scale    string   `json:"scale,omitempty"`
	MarkerMM float64  `json:"marker_mm,omitempty"`
	Zones    []string `json:"zones,omitempty"`
	// Card is the colour chart that the study uses: classic-2014, classic, none, or the
	// name of a file whose content is CardTable (see [card.ReadReference]). Empty: one of
	// the classic ones, by which fits better, where a chart is seen. Run takes both from
	// the study.
	Card      string `json:"card,omitempty"`
	CardTable string `json:"card_table,omitempty"`
	// Primary is the outcome that study.yaml names beforehand; then no other metric
	// or zone is primary. Nil: every metric that the catalogue calls so. Run takes it
	// from the study.
	Primary *study.Primary `json:"primary,omitempty"`
	// Without names corrections (see [Corrections]) and comparability checks that are
	// left out, to see what each is worth. Empty for every result that matters.
	Without []string `json:"without,omitempty"`
}

// Corrections names what [Config.Without] can leave out beside the checks.
var Corrections = []string{"equalise", "colour_card", "sharpness_match", "noise_subtraction", "common_skin", "frozen_thresholds", "follow_scars", "follow_pores"}

// does tells whether a correction or check is not left out.
func (c Config) does(name string) bool { return !slices.Contains(c.Without, name) }

// of is the configuration with what the study has chosen.
func (c Config) of(st *study.Study) Config {
	c.Primary, c.Scale, c.MarkerMM, c.Zones = st.Primary, st.Scale, st.MarkerMM, st.Zones
	c.Card, c.CardTable = st.Card, st.CardTable
	return c
}

// DefaultConfig is what `dermatrend run` uses without flags.
func DefaultConfig() Config { return Config{PictureSide: 900} }

// Validate reports every setting that is wrong, not only the first.
func (c Config) Validate() error {
	var errs []error
	if c.PictureSide < 200 || c.PictureSide > 4000 {
		errs = append(errs, fmt.Errorf("picture_side: %d: must be 200 to 4000", c.PictureSide))
	}
	if _, err := c.chart(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// isPrimary tells whether a metric of a zone carries the verdict of a series.
func (c Config) isPrimary(m *metrics.Metric, zone string) bool {
	if p := c.Primary; p != nil {
		return p.Metric == m.Name && (p.Zone == "" || p.Zone == zone)
	}
	return m.Primary
}
