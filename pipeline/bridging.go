package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/dermatrend/dermatrend/pipeline/audit"
	"github.com/dermatrend/dermatrend/pipeline/result"
)

// Comparison is what [CompareResults] finds.
type Comparison struct {
	// Made lists what differs in how the two were made: version, OpenCV, settings, the
	// table of smallest detectable changes; empty if nothing does.
	Made   []string
	Bridge audit.Bridge
}

// CompareResults explains how two output folders of the same study differ that were
// made by two versions or with two settings. It changes neither.
func CompareResults(ctx context.Context, first, second string) (*Comparison, error) {
	var c Comparison
	var runs [2]earlierRun
	for i, out := range []string{first, second} {
		if err := settled(out); err != nil {
			return nil, err
		}
		var err error
		if runs[i], err = loadRun(out); err != nil {
			return nil, err
		}
	}
	var err error
	if c.Made, err = made(runs[0].runRecord, runs[1].runRecord); err != nil {
		return nil, err
	}
	a, b := runs[0].ids(), runs[1].ids()
	for len(a)+len(b) > 0 {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			c.Bridge.Alone(0, a[0])
			a = a[1:]
			continue
		case len(a) == 0 || b[0] < a[0]:
			c.Bridge.Alone(1, b[0])
			b = b[1:]
			continue
		}
		x, errX := result.LoadSubject(filepath.Join(first, a[0]))
		y, errY := result.LoadSubject(filepath.Join(second, b[0]))
		if err := errors.Join(errX, errY); err != nil {
			return nil, err
		}
		c.Bridge.Add(x, y)
		a, b = a[1:], b[1:]
	}
	return &c, nil
}

// settled refuses a folder without results, and one in which a run was cut off while
// it put its results in place.
func settled(out string) error {
	if err := hasResults(out); err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(out, stageDir, "commit")); !errors.Is(err, fs.ErrNotExist) {
		return usagef("%s: a run was cut off while it put its results in place; run it again, or dermatrend report %s, which finishes it", out, out)
	}
	return nil
}

// made says how two runs differ, but for what they measured.
func made(x, y runRecord) ([]string, error) {
	var parts []string
	say := func(what, first, second string) {
		if first != second {
			parts = append(parts, fmt.Sprintf("%s: %s -> %s", what, cmp.Or(first, "not set"), cmp.Or(second, "not set")))
		}
	}
	say("version", x.Version, y.Version)
	say("OpenCV", x.OpenCV, y.OpenCV)
	say("shipped table of smallest detectable changes", x.SDC, y.SDC)
	var settings [2]map[string]json.RawMessage
	for i, c := range []Config{x.Settings, y.Settings} {
		data, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &settings[i]); err != nil {
			return nil, err
		}
	}
	names := slices.Collect(maps.Keys(settings[0]))
	names = slices.AppendSeq(names, maps.Keys(settings[1]))
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		say("setting "+n, string(settings[0][n]), string(settings[1][n]))
	}
	return parts, nil
}
