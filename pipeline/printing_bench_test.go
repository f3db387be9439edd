//go:build bench

package pipeline

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dermatrend/dermatrend/fixtures"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// TestReportSpeed renders and prints the reports of 100 persons with five sessions, with
// everything, the browser included, on one core. They share one set of pictures, which
// are read, scaled and printed for each anew. The time of the processor is what
// counts: on an idle machine that of the clock is the same.
func TestReportSpeed(t *testing.T) {
	if err := CanPrint(); err != nil {
		t.Skip(err)
	}
	const persons = 100
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
	before, begin := familyTime(t, os.Getpid()), time.Now()
	_, err = Report(t.Context(), out)
	check(t, err)
	html := time.Since(begin)
	worked := time.Duration(0) // asked while the browser is there
	check(t, PrintReports(t.Context(), out, func(Progress) { worked = familyTime(t, os.Getpid()) - before }))
	took := worked.Seconds() / persons
	fmt.Printf("BENCH|report of five sessions as HTML and PDF, s of one core a person|%.2f (by the clock %.2f, HTML %.2f)|<= 2|%t\n",
		took, time.Since(begin).Seconds()/persons, html.Seconds()/persons, took <= 2)

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

// familyTime is the time of the processor that a process and all below it have used so
// far, those below that have ended included.
func familyTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0 // it has just ended
	}
	// "pid (name) state ppid ...", where the name may hold anything: proc(5).
	fields := strings.Fields(string(line[bytes.LastIndexByte(line, ')')+1:]))
	ticks := 0
	for _, field := range fields[11:15] { // utime, stime, and both of the children that have ended
		n, err := strconv.Atoi(field)
		check(t, err)
		ticks += n
	}
	sum := time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100
	for _, child := range workersOf(pid) {
		sum += familyTime(t, child)
	}
	return sum
}
