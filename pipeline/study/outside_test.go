package study

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Nothing outside of the study is read, and nothing is written there, whatever links,
// devices and pipes lie in it.
func TestNothingOutside(t *testing.T) {
	secret := "subject: Secret\nborn: 1950\nsessions:\n  - {id: s0, date: 2026-01-10, photos: [{view: front, file: secret.jpg}]}\n"
	for _, c := range []struct {
		name, link, target string // the target relative to a folder with another person's files
		want               string
	}{
		{"a manifest", "P1/series.yaml", "other/series.yaml", `P1/series.yaml: the manifest is a link that leaves its folder; expected a file inside it`},
		{"a manifest without an end", "P1/series.yaml", "/dev/zero", `P1/series.yaml: the manifest is a link that leaves its folder`},
		{"the study's manifest", "study.yaml", "other/study.yaml", `study.yaml: the manifest is a link that leaves its folder`},
		{"a person's folder", "P2", "other", `P2: the folder is a link that leaves the study; expected a folder inside it`},
		{"a photo", "P3/2026-01-10.jpg", "other/secret.jpg", `2026-01-10.jpg`},
		{"a folder of a visit", "P3/2026-01-10", "other", `secret.jpg`},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := write(t, map[string]string{
				"study/P0/series.yaml": one("P0", "a.jpg"), "study/P0/a.jpg": "x", "study/P1/a.jpg": "x", "study/P3/2026-02-10.jpg": "x",
				"other/series.yaml": secret, "other/secret.jpg": jpeg("1999:01:01 10:00:00"), "other/study.yaml": "name: Secret\n",
			})
			target := c.target
			if !filepath.IsAbs(target) {
				target = filepath.Join(root, target)
			}
			if err := os.Symlink(target, filepath.Join(root, "study", c.link)); err != nil {
				t.Skip("no links here:", err)
			}
			s, err := Load(filepath.Join(root, "study"), Options{Today: today})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "Secret") || strings.Contains(err.Error(), "1999")) {
				t.Errorf("it was read: %v", err)
			}
			if s != nil {
				for _, p := range s.Subjects {
					for _, v := range p.Sessions {
						for _, photo := range v.Photos {
							if photo.Refused == "" && strings.Contains(c.link+"/"+filepath.Base(c.target), filepath.Base(photo.File)) {
								t.Errorf("%s: %s would be opened", p.ID, photo.File)
							}
						}
					}
				}
			}
			before, err := os.ReadDir(filepath.Join(root, "other"))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = Init(filepath.Join(root, "study"), false, Options{Today: today}) // its problems are those of above
			after, err := os.ReadDir(filepath.Join(root, "other"))
			if err != nil || len(after) != len(before) {
				t.Errorf("something was written outside: %v %v", after, err)
			}
		})
	}
}

// A pipe for a manifest would be waited for without end.
func TestManifestIsAFile(t *testing.T) {
	root := write(t, map[string]string{"P0/series.yaml": one("P0", "a.jpg"), "P0/a.jpg": "x", "P1/a.jpg": "x"})
	if err := syscall.Mkfifo(filepath.Join(root, "P1", seriesFile), 0o600); err != nil {
		t.Skip(err)
	}
	s, ps := load(t, root)
	wantProblems(t, root, ps, `P1/series.yaml: the manifest is not a regular file`)
	if ids(s) != "P0" {
		t.Errorf("kept %s", ids(s))
	}
}
