//go:build bench

package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// simulated runs a study in a process of its own and gives its peak memory, MiB, and
// how long it took.
func simulated(t *testing.T, s simulation) (peak float64, took time.Duration) {
	t.Helper()
	s.version, s.root, s.out = "1", t.TempDir(), filepath.Join(t.TempDir(), "out")
	s.write(t)
	cmd := s.command()
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	check(t, err)
	var seconds float64
	if _, err := fmt.Sscan(string(data), &peak, &seconds); err != nil {
		t.Fatalf("%v: %q", err, data)
	}
	return peak, time.Duration(seconds * float64(time.Second))
}

func TestCoordinatorMemory(t *testing.T) {
	few, _ := simulated(t, simulation{persons: 200, rows: 200, jobs: 2})
	many, took := simulated(t, simulation{persons: 2000, rows: 200, jobs: 2})
	fmt.Printf("BENCH|peak memory of the coordinator, 200 and 2,000 series of 5 photos, MiB|%.0f and %.0f (%.0f s)|<= 200|%t\n", few, many, took.Seconds(), many <= 200)
	fmt.Printf("BENCH|the same at 200 and at 2,000 series: ratio|%.2f|<= 1.25|%t\n", many/few, many <= 1.25*few)
}

func TestEngineSpeed(t *testing.T) {
	s := simulation{persons: 60, took: 500 * time.Millisecond, rows: 200, jobs: 1}
	_, one := simulated(t, s)
	s.jobs = 2
	_, two := simulated(t, s)
	work := time.Duration(s.persons) * s.took
	fmt.Printf("BENCH|two workers against one, 60 series of 0.5 s|%.2f|>= 1.8|%t\n", one.Seconds()/two.Seconds(), one.Seconds() >= 1.8*two.Seconds())
	over := 100 * (one - work).Seconds() / work.Seconds()
	fmt.Printf("BENCH|processes, queue and files, %% of the work|%.1f|<= 10|%t\n", over, over <= 10)
}

func TestInterruptions(t *testing.T) {
	n, ends := interrupt(t, 200, 7)
	fmt.Printf("BENCH|200 interruptions (kill -9 of coordinator or worker), %d runs that came to an end: differences|%d|0|%t\n", ends, n, n == 0)
}
