package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/internal/control"
)

// diagnosis is what the doctor said in a test of package control.
func diagnosis(t *testing.T) (d control.Diagnosis) {
	t.Helper()
	text, err := os.ReadFile("../../internal/control/testdata/doctor.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDiagnosisText keeps how a diagnosis is printed.
func TestDiagnosisText(t *testing.T) {
	tests := []struct {
		golden string
		show   func(*cli, control.Diagnosis)
	}{
		{"all", (*cli).showDiagnosis},
		{"slow", (*cli).showSlow},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			var out bytes.Buffer
			c := &cli{world: world{stdout: &out, getenv: func(string) string { return "" }}}
			tt.show(c, diagnosis(t))
			got := regexp.MustCompile(`(?m) (?:\d+d|\d+h\d+m|\d+m\d+s|-?\d+s)$`).ReplaceAllString(out.String(), " AGE")
			golden(t, "testdata/doctor/"+tt.golden+".golden", got)
		})
	}
}

func TestNarrow(t *testing.T) {
	tests := []struct {
		name  string
		found string // a part of the initiator's name, or of the complaint
		slow  int
	}{
		{"iqn.1998-01.com.vmware:esx1-5f3a9c2e", "esx1-5f3a9c2e", 1},
		{"ESX1-5F3A", "esx1-5f3a9c2e", 1},
		{"esx1.example.org", "esx1-5f3a9c2e", 1},
		{"redhat", "redhat", 0},
		{"iqn.", `"iqn." means 2 initiators`, 1},
		{"nobody", `no initiator "nobody"`, 1},
	}
	for _, tt := range tests {
		d := diagnosis(t)
		err := narrow(&d, tt.name)
		got := d.Initiators[0].Name
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tt.found) || err == nil && len(d.Initiators) != 1 || len(d.Slow) != tt.slow {
			t.Errorf("%q: %d found, %q, %v; %d slow commands", tt.name, len(d.Initiators), got, err, len(d.Slow))
		}
	}
}
