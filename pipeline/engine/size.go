package engine

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// WorkerMemory is what one worker is counted with: the decoded photos of a
// series of 24 megapixels and the planes made from them.
const WorkerMemory = 1 << 30

// DefaultWorkers is the number of workers for so many tasks: one for each core,
// but no more than the free memory holds and than there are tasks, and at least
// one.
func DefaultWorkers(tasks int) int {
	return fit(tasks, runtime.GOMAXPROCS(0), freeMemory())
}

// fit is the rule of DefaultWorkers; free is in bytes, negative where unknown.
func fit(tasks, cores int, free int64) int {
	n := min(tasks, cores)
	if free >= 0 {
		n = min(n, int(free/WorkerMemory))
	}
	return max(n, 1)
}

// freeMemory is what the machine has to give, or the control group of a
// container if that is less; negative where unknown.
func freeMemory() int64 {
	free := int64(-1)
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		free = memAvailable(string(data))
	}
	limit, ok1 := readInt("/sys/fs/cgroup/memory.max") // "max" where there is none
	used, ok2 := readInt("/sys/fs/cgroup/memory.current")
	if left := max(limit-used, 0); ok1 && ok2 && (free < 0 || left < free) {
		free = left
	}
	return free
}

// memAvailable reads the line of that name in /proc/meminfo, in bytes; negative
// if it is not there.
func memAvailable(meminfo string) int64 {
	for line := range strings.Lines(meminfo) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == "MemAvailable:" && f[2] == "kB" {
			if kib, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				return kib << 10
			}
		}
	}
	return -1
}

func readInt(file string) (int64, bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	v, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return v, err == nil
}
