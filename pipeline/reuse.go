package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// Action is what a run does about a series.
type Action string

const (
	// Measure: there are no results of exactly this series yet.
	Measure Action = "measure"
	// Reuse: the results in the output folder are those of this series.
	Reuse Action = "reuse"
	// Judge: only the outcome of the study or the table of smallest detectable
	// changes is another; verdicts are given anew from what was measured.
	Judge Action = "judge"
	// Resume: a run that was cut off had finished this series.
	Resume Action = "resume"
)

// PlannedSeries is what a run would do about a series, and why.
type PlannedSeries struct {
	Series study.Series
	Action Action
	Why    string
}

// choice is the decision about a series; its key is empty where its photos cannot
// be read.
type choice struct {
	action   Action
	key, why string
}

// Plan tells what [Run] would do, in the order of the study, and changes nothing.
func Plan(ctx context.Context, st *study.Study, out string, opts RunOptions) ([]PlannedSeries, error) {
	b, err := newRun(st, out, opts)
	if err != nil {
		return nil, err
	}
	b.out = &outdir{path: out} // neither made nor locked
	b.plan()
	if err := b.choose(ctx); err != nil {
		return nil, err
	}
	var all []PlannedSeries
	for i, c := range b.choices {
		all = append(all, PlannedSeries{b.todo[i], c.action, c.why})
	}
	return all, nil
}

// choose decides for each planned series whether it has to be measured. It reads
// every photo once, which takes a thousandth of the time of measuring.
func (b *batch) choose(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range b.todo {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			b.choices[i] = b.decide(b.todo[i])
			return nil
		})
	}
	_ = g.Wait() // decisions do not fail: what cannot be read is measured, and rejected with its reason
	return context.Cause(ctx)
}

func (b *batch) decide(s study.Series) choice {
	id := s.Subject.ID
	o, err := b.origin(s, nil)
	if err != nil {
		return choice{Measure, "", err.Error()}
	}
	key := o.key()
	if b.opts.Fresh {
		return choice{Measure, key, "asked to measure all again"}
	}
	dir := filepath.Join(b.out.path, id)
	p := loadProvenance(dir)
	old, known := p.Series[s.View]
	why := "new"
	switch {
	case !known:
	case old.Key != key && old.Origin.measured().key() != o.measured().key():
		why = o.differs(old.Origin)
	default:
		err := verify(dir, old.Files)
		if err == nil {
			err = verify(dir, map[string]string{result.SubjectFile: p.Results})
		}
		if err != nil {
			why = err.Error()
			break
		}
		if old.Key == key {
			return choice{Reuse, key, "nothing changed"}
		}
		if _, ok := old.Files[filepath.ToSlash(judgingFile(s.View))]; ok && !b.out.isFinished(id, key) {
			return choice{Judge, key, "another outcome or another table of smallest detectable changes"}
		}
		why = o.differs(old.Origin)
	}
	if b.out.isFinished(id, key) {
		return choice{Resume, key, "finished by a run that was cut off"}
	}
	return choice{Measure, key, why}
}

// sweep removes finished series that the run will not take: of other photos,
// settings or programs, and of persons that have left the study. Those of persons
// that are not measured this time stay for the next.
func (b *batch) sweep() error {
	wanted := map[string]bool{}
	for _, c := range b.choices {
		wanted[c.key] = c.action == Resume
	}
	return b.out.sweep(func(subject, key string) bool {
		if b.subject(subject) != nil {
			return wanted[key]
		}
		return slices.ContainsFunc(b.study.Subjects, func(s study.Subject) bool { return s.ID == subject })
	})
}

// left lists the series that are work for workers.
func (b *batch) left() []int {
	var left []int
	for i, c := range b.choices {
		if c.action == Measure || c.action == Judge {
			left = append(left, i)
		}
	}
	return left
}

// keep takes the finished series i, whose pictures are in the folder that
// b.out.task(i) made. It is left on the disk, so that memory does not grow with the
// study, and sealed, so that it is not lost when the run is.
//
// A series whose worker died comes without hashes of what it read. It counts for
// this run only: the next may have more luck.
func (b *batch) keep(i int, m answered) error {
	// What the worker has read is what it measured, whatever lies there now.
	return b.keepFrom(i, m, m.InputSHA256)
}

// keepFrom is keep where the hashes of the photos are known otherwise; nil for a
// series that counts for this run only.
func (b *batch) keepFrom(i int, m answered, photos map[string]string) error {
	c := &b.choices[i]
	c.key = fmt.Sprintf("unnamed-%d", i)
	var from origin
	if photos != nil {
		if o, err := b.origin(b.todo[i], photos); err == nil {
			from, c.key = o, o.key()
		}
	}
	return b.out.finish(i, m, c.key, from)
}

// gathered is the results of one person, from wherever they are, with the pictures
// already in the person's new folder.
type gathered struct {
	series []result.Series
	seals  map[string]seal // by view, of those that can be taken again
}

// gather brings together the series of a person.
func (b *batch) gather(id, dir string) (gathered, error) {
	g := gathered{seals: map[string]seal{}}
	home := filepath.Join(b.out.path, id)
	var old earlierResults
	for _, n := range b.results[id] {
		from := b.out.finished(id, b.choices[n].key)
		load := func() (result.Series, seal, error) { return loadFinished(from) }
		if b.choices[n].action == Reuse {
			from = home
			load = func() (result.Series, seal, error) { return old.series(home, b.todo[n].View, b.choices[n].key) }
		}
		v, s, err := load()
		if err == nil {
			err = take(from, dir, s.Files)
		}
		if err != nil {
			return g, err
		}
		g.series = append(g.series, v)
		if s.Origin.Kind != "" {
			g.seals[v.View] = s
		}
	}
	return g, nil
}

// earlierResults are those of a person in the output folder, read when the first
// series is asked for.
type earlierResults struct {
	read    bool
	subject result.Subject
	made    provenance
}

// series gives those of a view. A key that is not empty has to be theirs.
func (e *earlierResults) series(dir, view, key string) (result.Series, seal, error) {
	if !e.read {
		var err error
		if e.subject, err = result.LoadSubject(dir); err != nil {
			return result.Series{}, seal{}, err
		}
		e.made, e.read = loadProvenance(dir), true
	}
	s := e.made.Series[view]
	k := slices.IndexFunc(e.subject.Series, func(v result.Series) bool { return v.View == view })
	if k < 0 || key != "" && s.Key != key {
		return result.Series{}, seal{}, fmt.Errorf("%s was changed while it was used", dir)
	}
	return withoutLeftOut(e.subject.Series[k]), s, nil
}
