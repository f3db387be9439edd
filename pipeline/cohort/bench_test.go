//go:build bench

package cohort

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/metrics"
	"github.com/dermatrend/dermatrend/pipeline/result"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// TestSpeed reads and analyses 1,000 persons with 6 sessions, 8 zones and 20
// metrics on one core: the results are on the disk as run writes them.
func TestSpeed(t *testing.T) {
	const persons = 1000
	dir := t.TempDir()
	s := sample{zones: study.ZoneNames, days: []int{0, 28, 56, 84, 112, 190}, treatedOn: []int{0, 28, 56}, noise: 1, sdc: 2, drift: .3, gaps: .1, native: true}
	for _, m := range metrics.All()[:20] {
		s.metrics = append(s.metrics, m.Name)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var bytes int64
	for i := range persons {
		p := s.person(i, rng)
		p.Covariates = map[string]string{"arm": []string{"A", "B"}[i%2]}
		p.Born = 1950 + i%50
		p.TreatedZones = []string{"cheek_left", "cheek_right", "chin"}
		sub := filepath.Join(dir, p.ID)
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := result.SaveSubject(sub, p); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(filepath.Join(sub, result.SubjectFile)); err == nil {
			bytes += info.Size()
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	start := processorTime(t)
	c, err := New(options())
	if err != nil {
		t.Fatal(err)
	}
	for i := range persons {
		p, err := result.LoadSubject(filepath.Join(dir, fmt.Sprintf("P%04d", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	read := processorTime(t) - start
	all, err := c.Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := result.WriteCohort(dir, all); err != nil {
		t.Fatal(err)
	}
	took := (processorTime(t) - start).Seconds()
	peak := peakMiB(t)
	fmt.Printf("BENCH|cohort of 1,000 persons x 6 sessions x 8 zones x 20 metrics (%d MB of results, %d rows of cohort.csv), processor time on one core, s|%.1f (reading %.1f)|<= 20|%t\n", bytes/1e6, len(all.Rows), took, read.Seconds(), took <= 20)
	fmt.Printf("BENCH|the same, peak memory, MiB|%d|<= 500|%t\n", peak, peak <= 500)
}

// processorTime of this process: other work on the machine does not count.
func processorTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func peakMiB(t *testing.T) int {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc here")
	}
	for line := range strings.Lines(string(data)) {
		var kb int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
