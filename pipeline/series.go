package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/align"
	"github.com/dermatrend/dermatrend/pipeline/card"
	"github.com/dermatrend/dermatrend/pipeline/compare"
	"github.com/dermatrend/dermatrend/pipeline/face"
	"github.com/dermatrend/dermatrend/pipeline/internal/cv"
	"github.com/dermatrend/dermatrend/pipeline/photo"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/segment"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// photoStages is what happens to each photo of a series, in this order. The first
// photo of the first session that passes is the baseline of the rest. A stage that
// fails costs its photo.
var photoStages = []struct {
	name string
	run  func(*shot, *seriesRun) error
}{
	{"load", load},
	{"face", findFace},
	{"card", findCard},
	{"align", alignToBaseline},
	{"sharpness", measureSharpness},
	{"picture", takePicture},
	{"crop", cropToFace},
}

// seriesStages is what then happens to the series as a whole. A stage that fails
// ends the series.
var seriesStages = []struct {
	name    string
	measure bool // left out when photos are only checked
	run     func(*seriesRun) error
}{
	{"compare", false, comparePhotos},
	{"skin", true, commonSkin},
	{"measure", true, measurePhotos},
	{"remember", true, rememberJudging},
	{"trend", true, trends},
	{"pictures", true, drawPictures},
}

// shot is one photo on its way through the stages.
type shot struct {
	session *study.SeriesSession
	ref     study.Photo
	base    *shot // nil for the baseline itself

	// What the stages leave, in their order. rgb holds the whole photo up to the
	// stage crop, then only the part with the face, whose corner is at offset.
	noColour      string // see photo.Photo
	quality       float64
	taken         time.Time // as the camera dates it; zero where it does not
	camera        photo.Camera
	size          [2]int // of the whole photo
	rgb           cv.RGB
	offset        [2]int
	frame         photo.Frame
	view          cv.RGB // of the frame
	skin          cv.Gray
	mouth         float64
	iris          [2]float64 // scale from the iris, px/mm, and its relative SD; 0 without a face
	marker        card.Scale // no PxPerMM without a marker
	chart         *card.Fit  // corrects the colours; nil without a chart that can
	chartChecks   []compare.Check
	toShot        *align.Map // baseline -> this photo; nil for the baseline
	accepted      string     // who accepted a weak agreement with the baseline; empty: nobody had to
	eyes          []metrics.Spectrum
	blurVar       float64 // relative to the baseline, baseline px^2
	blurErr       float64
	noise         float64             // SD of the pixel noise in linear light
	noiseRel      float64             // as a share of the light there
	smooth        [3]metrics.Spectrum // of the skin in smoothRegions, relative to its light; no Size where unknown
	glare, spread float64             // see measureAppearance
	picture       cv.RGB              // in the frame of the aligned pictures

	pxPerMM float64
	checks  []compare.Check
	gate    map[metrics.Family]compare.Judgement
	// skinAtBase is skin carried into the baseline's frame; empty for the baseline.
	skinAtBase cv.Gray
	zones      map[string]*zone
	found      map[string]segment.Found // by zone, as photographed

	references map[string]refColour // see reference
	toneMoved  []string             // reference zones whose tone is not the baseline's
	pictures   map[string]string    // see result.Visit
}

// seriesRun is a series on its way through the stages.
type seriesRun struct {
	cfg      Config
	series   study.Series
	dir      string
	progress func(session, stage string)
	detector *face.Detector
	sdc      *result.SDCTable // the user's; nil where none was given

	edits    []edit
	rejected []rejection
	shots    []*shot // that passed the photo stages; the baseline first
	zones    []zoneOutline
	relSD    float64
	scale    string // where px/mm comes from
	pictures pictureFrame
	values   []value
	tone     float64 // individual typology angle at baseline, degrees
	result   result.Series
}

// RunSeries measures one series: it writes pictures into dir (aligned, overlays,
// masks), calls progress when it begins something, and returns the rows of the
// tables. A photo or series without values is a rejection among them; an error is
// for ctx and the disk only.
func RunSeries(ctx context.Context, cfg Config, s study.Series, dir string, progress func(session, stage string)) (result.Series, error) {
	return process(ctx, cfg, s, dir, progress, true)
}

// CheckSeries is RunSeries up to comparability: it measures and writes nothing.
func CheckSeries(ctx context.Context, cfg Config, s study.Series, dir string, progress func(session, stage string)) (result.Series, error) {
	return process(ctx, cfg, s, dir, progress, false)
}

func process(ctx context.Context, cfg Config, s study.Series, dir string, progress func(session, stage string), measure bool) (result.Series, error) {
	r := &seriesRun{cfg: cfg, series: s, dir: dir, progress: progress}
	r.result = result.Series{Subject: s.Subject.ID, View: s.View, InputSHA256: map[string]string{}}
	if err := r.prepare(ctx); err != nil {
		return result.Series{}, err
	}
	for _, stage := range seriesStages {
		if len(r.shots) == 0 || stage.measure && !measure {
			break
		}
		if err := ctx.Err(); err != nil {
			return result.Series{}, err
		}
		progress("", stage.name)
		began := time.Now()
		if err := stage.run(r); err != nil {
			if isDisk(err) {
				return result.Series{}, err
			}
			r.reject(nil, stage.name, err)
			break
		}
		r.took("", stage.name, began)
	}
	r.visits()
	r.recordEdits()
	r.result.PeakRSSMiB = result.Number(peakRSS())
	return r.result, nil
}

// prepare runs the photo stages.
func (r *seriesRun) prepare(ctx context.Context) error {
	model, err := readModel(r.cfg.FaceModel)
	if err != nil {
		return err
	}
	if r.detector, err = face.New(model); err != nil {
		return err
	}
	if r.sdc, err = readSDC(r.cfg.SDC); err != nil {
		return err
	}
	defer r.detector.Close()
	for _, e := range r.series.Edits {
		r.edits = append(r.edits, edit{Edit: e})
	}
	for i := range r.series.Sessions {
		session := &r.series.Sessions[i]
		for _, ref := range session.Photos {
			s := &shot{session: session, ref: ref}
			if len(r.shots) > 0 {
				s.base = r.shots[0]
			}
			if r.runPhoto(ctx, s) {
				r.shots = append(r.shots, s)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// runPhoto takes a photo through its stages and tells whether it passed.
func (r *seriesRun) runPhoto(ctx context.Context, s *shot) bool {
	for _, stage := range photoStages {
		if ctx.Err() != nil {
			return false
		}
		r.progress(s.session.ID, stage.name)
		began := time.Now()
		if err := stage.run(s, r); err != nil {
			r.reject(s, stage.name, err)
			return false
		}
		r.took(s.session.ID, stage.name, began)
	}
	return true
}

// reject lists a photo, or with nil the series, as one without values.
func (r *seriesRun) reject(s *shot, stage string, err error) {
	row := result.Rejection{Subject: r.series.Subject.ID, View: r.series.View, Stage: stage, Reason: err.Error()}
	if s != nil {
		row.Session, row.Photo = s.session.ID, s.ref.File
	}
	r.result.Rejections = append(r.result.Rejections, row)
}

func (r *seriesRun) took(session, stage string, began time.Time) {
	r.result.Timings = append(r.result.Timings, result.Timing{Session: session, Stage: stage, Seconds: result.Number(time.Since(began).Seconds())})
}

func (r *seriesRun) note(format string, a ...any) {
	r.result.Notes = append(r.result.Notes, fmt.Sprintf(format, a...))
}

// date is the session's date as printed, empty where it is not known.
func (s *shot) date() string { return s.session.Date.String() }

// path is the photo's file, below the subject's folder.
func (r *seriesRun) path(s *shot) string {
	return filepath.Join(r.series.Subject.Dir, filepath.FromSlash(s.ref.File))
}

func readModel(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("face model: %w", err)
	}
	return b, nil
}

// peakRSS is the largest memory of this process so far, MiB.
func peakRSS() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return math.NaN()
	}
	return float64(u.Maxrss) / 1024 // kilobytes on Linux
}

// isDisk tells whether an error is about writing, which ends the run and not only
// the series.
func isDisk(err error) bool {
	var p *fs.PathError
	return errors.As(err, &p)
}
