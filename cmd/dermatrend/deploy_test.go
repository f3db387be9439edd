package main

import (
	"debug/elf"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The examples of scripts/deploy speak of commands, flags and variables that the
// program has, and of packages that it needs. No container is run here.

const deploy = "../../scripts/deploy/"

func readDeploy(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(deploy + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// accepted parses a command line and does not run it.
func accepted(t *testing.T, args []string) {
	t.Helper()
	t.Setenv("DERMATREND_DB", "postgres://")
	parser, err := newParser(new(commands), io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Errorf("dermatrend %s: %v", strings.Join(args, " "), err)
	}
}

// knownVariables fails for a variable of ours that no flag is read from.
func knownVariables(t *testing.T, names []string) {
	t.Helper()
	parser, err := newParser(new(commands), io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, command := range parser.Model.Leaves(false) {
		for _, f := range command.Flags {
			known = append(known, f.Envs...)
		}
	}
	found := 0
	for _, n := range names {
		if !strings.HasPrefix(n, "DERMATREND_") {
			continue
		}
		found++
		if !slices.Contains(known, n) {
			t.Errorf("no flag is read from %s", n)
		}
	}
	if found != 2 {
		t.Errorf("%d variables, want those of database and store", found)
	}
}

func TestComposeExample(t *testing.T) {
	var c struct {
		Services map[string]struct {
			Image       string
			Command     []string
			Environment map[string]string
			Build       struct{ Dockerfile string }
		}
	}
	if err := yaml.Unmarshal([]byte(readDeploy(t, "compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	ours := 0
	for _, s := range c.Services {
		if s.Image != "dermatrend" {
			continue
		}
		ours++
		accepted(t, s.Command)
		var names []string
		for n := range s.Environment {
			names = append(names, n)
		}
		knownVariables(t, names)
		if s.Build.Dockerfile != "scripts/deploy/Dockerfile" {
			t.Errorf("built from %q", s.Build.Dockerfile)
		}
	}
	if ours != 3 {
		t.Errorf("%d services run the program, want worker, submit and collect", ours)
	}
}

func TestKubernetesExample(t *testing.T) {
	workers := 0
	for i, text := range strings.Split(readDeploy(t, "kubernetes.yaml"), "\n---\n") {
		var m struct {
			Kind       string
			StringData map[string]string `yaml:"stringData"`
			Spec       struct {
				Template struct {
					Spec struct {
						Containers []struct {
							Image string
							Args  []string
						}
					}
				}
			}
		}
		if err := yaml.Unmarshal([]byte(text), &m); err != nil {
			t.Fatalf("document %d: %v", i+1, err)
		}
		if m.Kind == "Secret" {
			var names []string
			for n := range m.StringData {
				names = append(names, n)
			}
			knownVariables(t, names)
		}
		for _, c := range m.Spec.Template.Spec.Containers {
			workers++
			accepted(t, c.Args)
			if !strings.HasSuffix(c.Image, "/dermatrend:"+version) {
				t.Errorf("image %s, this is %s", c.Image, version)
			}
		}
	}
	if workers != 1 {
		t.Errorf("%d containers, want one", workers)
	}
}

// The image that is built has what scripts/setup asks for, and the one that is run the
// libraries that the program is linked with.
func TestDockerfileInstallsWhatIsNeeded(t *testing.T) {
	build, final, ok := strings.Cut(readDeploy(t, "Dockerfile"), "\nFROM debian:")
	if !ok {
		t.Fatal("no second stage")
	}
	setup, err := os.ReadFile("../../scripts/setup")
	if err != nil {
		t.Fatal(err)
	}
	has := func(stage, name, pack string) {
		t.Helper()
		if !slices.Contains(strings.Fields(stage), pack) {
			t.Errorf("%s: no %s", name, pack)
		}
	}
	needed := regexp.MustCompile(`missing\+=\(([a-z0-9+-]+)\)`).FindAllStringSubmatch(string(setup), -1)
	if len(needed) < 5 {
		t.Fatalf("scripts/setup asks for %d packages", len(needed))
	}
	for _, m := range needed {
		if m[1] == "opencv-data" || m[1] == "libheif1" { // not to build with
			has(final, "final stage", m[1])
		} else {
			has(build, "build stage", m[1])
		}
	}
	program, err := elf.Open("/proc/self/exe") // the test is linked as the program is
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	libraries, err := program.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range libraries {
		name, soname, _ := strings.Cut(l, ".so.")
		switch {
		case name == "libopencv_aruco":
			has(final, "final stage", "libopencv-contrib"+soname)
		case strings.HasPrefix(name, "libopencv_"):
			has(final, "final stage", "libopencv-"+strings.TrimPrefix(name, "libopencv_")+soname)
		case name == "libjpeg":
			has(final, "final stage", "libjpeg"+soname+"-turbo")
		case name == "liblcms2":
			has(final, "final stage", "liblcms2-"+soname)
		case !slices.Contains([]string{"libstdc++", "libm", "libgcc_s", "libc", "libpthread", "libdl", "libresolv"}, name): // of every Debian, or of those above
			t.Errorf("which package has %s?", l)
		}
	}
	entry := regexp.MustCompile(`CMD \["([a-z]+)"\]`).FindStringSubmatch(final)
	if entry == nil {
		t.Fatal("no command")
	}
	accepted(t, entry[1:])
}
