package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Ctrl-C is how the page ends: that is no failure.
func TestServeEndsWithCtrlC(t *testing.T) {
	out := t.TempDir()
	if err := os.WriteFile(filepath.Join(out, "run.json"), []byte(`{"format": 1, "version": "0", "study": "Trial", "subjects": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	said, stdout := io.Pipe()
	code := make(chan int, 1)
	var stderr strings.Builder
	go func() {
		code <- run(ctx, []string{"serve", out}, stdout, &stderr)
		stdout.Close()
	}()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil || !regexp.MustCompile(`^open http://127\.0\.0\.1:\d+/\?token=[A-Z2-7]{26}\n$`).MatchString(line) {
		t.Errorf("%q, %v", line, err)
	}
	go io.Copy(io.Discard, said)
	interrupt()
	if got := <-code; got != exitDone || stderr.String() != "" {
		t.Errorf("exit code %d, %q", got, stderr.String())
	}
}
