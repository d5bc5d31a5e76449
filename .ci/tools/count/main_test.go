package main

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	tests := []struct {
		name, events string
		want         totals
		says         string
	}{
		{"pass", `
{"Action":"run","Package":"a","Test":"TestOne"}
{"Action":"pass","Package":"a","Test":"TestOne"}
{"Action":"pass","Package":"a","Elapsed":0.1}`, totals{passed: 1}, "pass a: 1 passed"},
		{"subtests count, their parent does not", `
{"Action":"pass","Package":"a","Test":"TestOne/x"}
{"Action":"pass","Package":"a","Test":"TestOne/y/z"}
{"Action":"pass","Package":"a","Test":"TestOne/y"}
{"Action":"pass","Package":"a","Test":"TestOne"}
{"Action":"pass","Package":"a"}`, totals{passed: 2}, "2 passed"},
		{"failed subtest", `
{"Action":"output","Package":"a","Test":"TestOne/x","Output":"    a_test.go:5: boom\n"}
{"Action":"fail","Package":"a","Test":"TestOne/x"}
{"Action":"fail","Package":"a","Test":"TestOne"}
{"Action":"fail","Package":"a"}`, totals{failed: 1}, "boom"},
		{"failed parent", `
{"Action":"pass","Package":"a","Test":"TestOne/x"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"absent\n"}
{"Action":"fail","Package":"a","Test":"TestOne"}
{"Action":"fail","Package":"a"}`, totals{passed: 1, failed: 1}, "absent"},
		{"skipped, with its reason", `
{"Action":"output","Package":"a","Test":"TestOne","Output":"=== RUN   TestOne\n"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"    a_test.go:5: tgtd is not installed\n"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"--- SKIP: TestOne (0.00s)\n"}
{"Action":"skip","Package":"a","Test":"TestOne"}
{"Action":"pass","Package":"a"}`, totals{skipped: 1}, "skip a TestOne: a_test.go:5: tgtd is not installed"},
		{"does not build", `
{"Action":"build-output","ImportPath":"a","Output":"a.go:1: undefined: x\n"}
{"Action":"build-fail","ImportPath":"a"}
{"Action":"output","Package":"a","Output":"FAIL\ta [build failed]\n"}
{"Action":"fail","Package":"a"}`, totals{failed: 1}, "undefined: x"},
		{"dies after its tests", `
{"Action":"pass","Package":"a","Test":"TestOne"}
{"Action":"output","Package":"a","Output":"panic: late\n"}
{"Action":"fail","Package":"a"}`, totals{passed: 1, failed: 1}, "1 failed"},
		{"no tests", `{"Action":"skip","Package":"a"}`, totals{}, ""},
		{"a message of go itself", "go: cannot find module", totals{}, "cannot find module"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			got, err := read(strings.NewReader(tt.events), &out)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("counted %+v, want %+v", got, tt.want)
			}
			if !strings.Contains(out.String(), tt.says) {
				t.Errorf("printed %q, want %q in it", out.String(), tt.says)
			}
		})
	}
}
