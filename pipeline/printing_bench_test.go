//go:build bench

package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// TestReportSpeed renders and prints the reports of persons with five sessions, with
// everything, the browser included, on one core.
func TestReportSpeed(t *testing.T) {
	if err := CanPrint(); err != nil {
		t.Skip(err)
	}
	const persons = 10
	photos := filepath.Join(t.TempDir(), "study")
	course, _ := fixtures.CourseNamed("better30")
	check(t, fixtures.WriteStudy(photos, "", fixtures.Study{Seed: 3, Subjects: 1, Sessions: 5, Replicates: 1, Course: course, Nuisance: fixtures.FullNuisance.Times(0.5),
		W: 2100, H: 2800, PxPerMM: 14, First: time.Date(2025, 1, 10, 9, 30, 0, 0, time.UTC)}))
	st, problems := study.Load(photos, study.Options{})
	if problems != nil {
		t.Fatal(problems)
	}
	dir := t.TempDir()
	s := result.Subject{ID: "P1", Version: "bench"}
	series, err := RunSeries(t.Context(), DefaultConfig(), st.Subjects[0].Series()[0], dir, func(string, string) {})
	check(t, err)
	s.Series = []result.Series{series}
	s.Treatments = (&batch{study: st, document: func(*study.Subject, string) string { return "" }}).describe(&st.Subjects[0]).Treatments

	var names []string
	for i := range persons {
		names = append(names, "P"+strconv.Itoa(i))
	}
	out := t.TempDir()
	mustRun(t, people(t, names...), out, options(2))
	for _, id := range names {
		home := filepath.Join(out, id)
		check(t, os.RemoveAll(home), os.CopyFS(home, os.DirFS(dir)))
		s.ID = id
		check(t, result.SaveSubject(home, s))
	}

	var one, all unix.CPUSet
	check(t, unix.SchedGetaffinity(0, &all))
	one.Set(0)
	pin(t, &one)
	defer pin(t, &all)
	begin := time.Now()
	_, err = Report(t.Context(), out)
	check(t, err)
	html := time.Since(begin)
	check(t, PrintReports(t.Context(), out, nil))
	took := time.Since(begin).Seconds() / persons
	fmt.Printf("BENCH|report of five sessions as HTML and PDF on one core, s a person|%.2f (HTML %.2f)|<= 2|%t\n", took, html.Seconds()/persons, took <= 2)

	size := int64(0)
	for _, page := range []string{"report.html", "report.pdf"} {
		info, err := os.Stat(filepath.Join(out, names[0], page))
		check(t, err)
		size = max(size, info.Size())
	}
	fmt.Printf("BENCH|the same, the larger of the two files, MB|%.1f|<= 6|%t\n", float64(size)/1e6, size <= 6e6)
}

// pin puts all threads of this process, and so what they start, on some cores.
func pin(t *testing.T, cores *unix.CPUSet) {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	check(t, err)
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		check(t, err)
		if err := unix.SchedSetaffinity(id, cores); err != nil && err != unix.ESRCH { // it has just ended
			t.Fatal(err)
		}
	}
}
