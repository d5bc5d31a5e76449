package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// request sends raw HTTP to the daemon.
func (r *rig) request(method, path, body string) (*http.Response, string) {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), method, "http://lunar"+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	a, err := r.http.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return a, string(text)
}

// dump is all that is in the state.
func (r *rig) dump() string {
	r.t.Helper()
	var b strings.Builder
	if err := r.d.state.View(func(tx Tx) error {
		for k, v := range tx.Scan("") {
			b.WriteString(k + " " + string(v) + "\n")
		}
		return nil
	}); err != nil {
		r.t.Fatal(err)
	}
	return b.String()
}

// TestNothingChangesThroughGET sends GET to every path that there is.
func TestNothingChangesThroughGET(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, Alias: "x"})
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	before := r.dump()
	for _, route := range routes {
		for _, name := range []string{guidA, "x", iqnA, DefaultGroup, "1"} {
			path := strings.Replace(route.path, "{name}", name, 1)
			if a, text := r.request("GET", path, `{"size":4096}`); a.StatusCode >= 500 {
				t.Errorf("GET %s: %s: %s", path, a.Status, text)
			}
		}
	}
	if after := r.dump(); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

func TestRequestsRefused(t *testing.T) {
	r := start(t, nil)
	for _, test := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"not JSON", "POST", "/v1/units", "size=1", 400},
		{"an unknown field", "POST", "/v1/units", `{"path":"/x","sise":4096}`, 400},
		{"a wrong type", "POST", "/v1/units", `{"path":"/x","size":"4096"}`, 400},
		{"a size that is no integer", "POST", "/v1/units", `{"path":"/x","size":1e30}`, 400},
		{"two values", "POST", "/v1/units", `{"path":"/x"}{"path":"/y"}`, 400},
		{"too much", "POST", "/v1/units", `{"path":"` + strings.Repeat("x", maxRequest) + `"}`, 413},
		{"cut short", "POST", "/v1/units", `{"path":"/x`, 400},
		{"no such unit", "GET", "/v1/units/6000", ``, 404},
		{"no such target", "POST", "/v1/targets/x/online", ``, 404},
		{"no number", "DELETE", "/v1/sessions/x", ``, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, text := r.request(test.method, test.path, test.body)
			var p Problem
			if err := json.Unmarshal([]byte(text), &p); err != nil {
				t.Fatalf("%s: %s: %v", a.Status, text, err)
			}
			if a.StatusCode != test.want || p.Status != test.want || p.Title == "" || p.Hint == "" {
				t.Errorf("%s %+v, want %d", a.Status, p, test.want)
			}
			if kind := a.Header.Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("content type %s", kind)
			}
		})
	}
	for path, want := range map[string]int{"/": 404, "/v1/units/a/b/c": 404, "/v1/status": 405} {
		if a, _ := r.request("PUT", path, ""); a.StatusCode != want {
			t.Errorf("PUT %s: %s, want %d", path, a.Status, want)
		}
	}
}

// TestSecretsStayInside gives the daemon secrets and looks for them in all that comes out.
func TestSecretsStayInside(t *testing.T) {
	r := start(t, nil)
	ctx := t.Context()
	const word = "xyzzy-plugh"
	must(r.CreateTarget(ctx, TargetCreate{Name: iqnA, Auth: "mutual", SelfSecret: Secret(word + "-target")}))(t)
	must(r.ModifyDiscovery(ctx, DiscoveryModify{Auth: "mutual", SelfSecret: Secret(word + "-discovery")}))(t)
	must(r.CreateInitiator(ctx, InitiatorCreate{Name: iqnB, CHAPSecret: Secret(word + "-initiator")}))(t)
	must(r.ModifyInitiator(ctx, iqnB, InitiatorModify{CHAPSecret: Secret(word + "-changed")}))(t)
	_, err := r.CreateTarget(ctx, TargetCreate{Auth: "mutual", SelfSecret: Secret(word + "-changed")}) // refused: the same
	wantProblem(t, err, "secret")
	if known := must(r.d.findInitiator(iqnB))(t); string(known.CHAP.Secret) != word+"-changed" {
		t.Fatal("the daemon does not know the secret, so this test cannot find it elsewhere")
	}
	out := map[string]string{"log": r.log.String(), "error": err.Error(), "state": r.dump()}
	for _, route := range routes {
		if route.method == "GET" {
			_, out[route.path] = r.request("GET", strings.Replace(route.path, "{name}", iqnA, 1), "")
		}
	}
	_, out["metrics"] = r.request("GET", "/metrics", "")
	_, out["goroutines"] = r.request("GET", "/debug/pprof/goroutine?debug=2", "")
	for where, text := range out {
		for _, form := range []string{word, "eHl6enktcGx1Z2", "78797a7a79"} { // as it is, in base64, in hexadecimal
			if strings.Contains(text, form) {
				t.Errorf("%s tells a secret: %s", where, text)
			}
		}
	}
}

func TestSecretPrints(t *testing.T) {
	s := Secret("xyzzy-plugh-plover")
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("a message", "secret", s, "record", initiatorRecord{Name: iqnA, CHAP: &credential{"joe", s}})
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, format+format, s, &credential{"joe", s})
	}
	if regexp.MustCompile(`xyzzy|78797a|120 121|eHl6`).MatchString(b.String()) {
		t.Errorf("a secret was printed:\n%s", b.String())
	}
}

func TestMetricsNames(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, Thin: true})
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	c, _ := login(t, r.portal(), iqnA)
	testUnitReady(t, c)
	_, text := r.request("GET", "/metrics", "")
	var names strings.Builder
	for _, line := range strings.SplitAfter(text, "\n") {
		if strings.HasPrefix(line, "# TYPE lunar_") || strings.HasPrefix(line, "# HELP lunar_") {
			names.WriteString(line)
		}
	}
	golden(t, "metrics.golden", names.String())
	for _, want := range []string{
		`lunar_unit_online{unit="` + guidA + `"} 1`,
		`lunar_unit_size_bytes{unit="` + guidA + `"} 1.048576e+06`,
		`lunar_iscsi_sessions 1`,
		`lunar_initiator_sessions{initiator="iqn.2026-11.org.example:initiator"} 1`,
		`lunar_initiator_commands_total{initiator="iqn.2026-11.org.example:initiator"} 1`,
		`lunar_initiator_command_seconds_count{initiator="iqn.2026-11.org.example:initiator"} 1`,
		`lunar_scsi_command_seconds_count{command="TEST UNIT READY",unit="` + guidA + `"} 1`,
		`lunar_scsi_commands_failed_total{command="TEST UNIT READY",unit="` + guidA + `"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}

// testUnitReady sends TEST UNIT READY to LUN 0 of a new nexus, which ends with the unit
// attention of power on (RFC 7143 §11.3).
func testUnitReady(t *testing.T, c net.Conn) {
	t.Helper()
	var pdu [48]byte
	pdu[0], pdu[1] = 0x01, 0x80 // SCSI Command, final
	pdu[19] = 1                 // Initiator Task Tag
	if _, err := c.Write(pdu[:]); err != nil {
		t.Fatal(err)
	}
	var response [48]byte
	if _, err := io.ReadFull(c, response[:]); err != nil {
		t.Fatal(err)
	}
	if response[0] != 0x21 || response[3] != 2 {
		t.Fatalf("TEST UNIT READY was answered with opcode %02xh, status %02xh", response[0], response[3])
	}
}

func TestClientErrors(t *testing.T) {
	nobody := NewClient(shortDir(t) + "/none")
	_, err := nobody.Status(context.Background())
	wantProblem(t, err, ErrNotServing.Error(), "lunar serve")

	path := shortDir(t) + "/s"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	stranger := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") })}
	go stranger.Serve(l)
	defer stranger.Close()
	_, err = NewClient(path).Status(context.Background())
	wantProblem(t, err, "not lunar's")
}
