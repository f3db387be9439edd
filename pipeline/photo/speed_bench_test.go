//go:build bench

package photo

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/fixtures"
)

// user is the processor time that this process has spent outside of the system.
func user(t *testing.T) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano())
}

// against prints the time of decoding a file beside that of the program of the
// library's authors, which the arguments name. The two take turns, and of each the
// mean counts: user time comes in ticks of which one decoding has few.
func against(t *testing.T, what string, data []byte, pkg, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("no %s (package %s)", name, pkg)
	}
	const turns = 9
	var ours, theirs time.Duration
	for range turns {
		cmd := exec.Command(name, args...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		theirs += cmd.ProcessState.UserTime() / turns
		began := user(t)
		if _, err := Decode(data); err != nil {
			t.Fatal(err)
		}
		ours += (user(t) - began) / turns
	}
	ratio := ours.Seconds() / theirs.Seconds()
	fmt.Printf("BENCH|%s, user time against %s, ms|%d / %d = %.2f|<= 1.3|%t\n", what, name, ours.Milliseconds(), theirs.Milliseconds(), ratio, ratio <= 1.3)
}

// TestDecodeSpeed decodes a face of 12 megapixels.
func TestDecodeSpeed(t *testing.T) {
	shot := fixtures.Portrait(3024, 4032)
	shot.Noise, shot.NoiseSeed, shot.Quality = 1, 1, 95
	data, err := fixtures.Render(fixtures.NewSubject(1, fixtures.Tones[1]), fixtures.Baseline, shot).JPEG(time.Date(2025, 1, 1, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "face.jpg")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("JPEG", func(t *testing.T) {
		against(t, "a JPEG of 12 megapixels", data, "libjpeg-turbo-progs", "djpeg", "-ppm", "-outfile", "/dev/null", file)
	})
	// Into a format that is neither compressed nor of other colours than the file's.
	t.Run("HEIC", func(t *testing.T) {
		heic := filepath.Join(dir, "face.heic")
		if out, err := exec.Command("heif-enc", "-p", "preset=ultrafast", file, "-o", heic).CombinedOutput(); err != nil {
			t.Skipf("no heif-enc (package libheif-examples): %v: %s", err, out)
		}
		data, err := os.ReadFile(heic)
		if err != nil {
			t.Fatal(err)
		}
		against(t, "a HEIC of 12 megapixels", data, "libheif-examples", "heif-convert", heic, filepath.Join(dir, "out.y4m"))
	})
}
