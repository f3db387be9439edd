//go:build bench

package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// simulated runs a study in a process of its own and gives its peak memory, MiB, how
// long it took and the processor time of all processes.
func simulated(t *testing.T, s simulation) (peak float64, took, cost time.Duration) {
	t.Helper()
	s.Version, s.Root, s.Out = "1", t.TempDir(), filepath.Join(t.TempDir(), "out")
	s.write(t)
	cmd := s.command()
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	check(t, err)
	var seconds, processor float64
	if _, err := fmt.Sscan(string(data), &peak, &seconds, &processor); err != nil {
		t.Fatalf("%v: %q", err, data)
	}
	return peak, time.Duration(seconds * 1e9), time.Duration(processor * 1e9)
}

// Results of five photos of 6 megapixels have 600 values and 1,360 objects a photo, and
// 4 MB of JSON. Every tenth series is as large; what grows with their number grows with
// the small ones, too.
func TestCoordinatorMemory(t *testing.T) {
	s := simulation{Persons: 200, Rows: 600, Objects: 1360, Sparse: true, Jobs: 2}
	few, _, _ := simulated(t, s)
	s.Persons = 2000
	many, took, _ := simulated(t, s)
	fmt.Printf("BENCH|peak memory of the coordinator, 200 and 2,000 series of 5 photos, MiB|%.0f and %.0f (%.0f s)|<= 200|%t\n", few, many, took.Seconds(), many <= 200)
	fmt.Printf("BENCH|the same at 200 and at 2,000 series: ratio|%.2f|<= 1.25|%t\n", many/few, many <= 1.25*few)
}

// A series of five photos of 900 pixels in width takes 6 s of processor time; its
// results have 600 values and 90 objects a photo, and 1.8 MB of JSON. Larger photos
// take longer, and the rest as long. Processor time, and not that of the clock: what
// else a machine does is not the engine's.
func TestEngineSpeed(t *testing.T) {
	s := simulation{Persons: 12, Took: 6 * time.Second, Rows: 600, Objects: 90, Jobs: 1}
	_, one, cost := simulated(t, s)
	s.Jobs = 2
	_, two, _ := simulated(t, s)
	fmt.Printf("BENCH|two workers against one, 12 series of 6 s|%.2f|>= 1.8|%t\n", one.Seconds()/two.Seconds(), one.Seconds() >= 1.8*two.Seconds())
	work := time.Duration(s.Persons) * s.Took
	over := 100 * (cost - work).Seconds() / work.Seconds()
	fmt.Printf("BENCH|processes, queue and files, tables and reports, %% of the work|%.1f|<= 10|%t\n", over, over <= 10)
}

func TestInterruptions(t *testing.T) {
	n, ends := interrupt(t, 200, 7)
	fmt.Printf("BENCH|200 interruptions (kill -9 of coordinator or worker), %d runs that came to an end: differences|%d|0|%t\n", ends, n, n == 0)
}
