package result

import (
	"encoding/json"
	"strings"
	"testing"
)

// What is no JSON number is no Number either.
func TestNumbersAreRead(t *testing.T) {
	for text, want := range map[string]Number{"1.5": 1.5, "-2e-3": -0.002, "0": 0} {
		var n Number
		if err := json.Unmarshal([]byte(text), &n); err != nil || n != want {
			t.Errorf("%s: %v, %v", text, n, err)
		}
	}
	for _, text := range []string{`"1.5"`, `true`, `{}`, `NaN`, `1e999`} {
		var n Number
		if err := json.Unmarshal([]byte(text), &n); err == nil {
			t.Errorf("%s became %v", text, n)
		}
	}
	var n Number
	if err := json.Unmarshal([]byte(`"x"`), &n); err == nil || !strings.Contains(err.Error(), "number was expected") {
		t.Error(err)
	}
}
