package iscsi

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Rows of the table of keys must make sense on their own.
func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	for i := range keys {
		k := &keys[i]
		if seen[k.name] {
			t.Errorf("%s stands twice in the table", k.name)
		}
		seen[k.name] = true
		if !isKeyName(k.name) {
			t.Errorf("%q is no name of a key", k.name)
		}
		if (k.when == 0) != (k.rule == ours) {
			t.Errorf("%s may never be sent", k.name)
		}
		switch k.rule {
		case minimum, maximum:
			if k.low >= k.high || k.def < k.low || k.def > k.high || k.own < k.low || k.own > k.high {
				t.Errorf("%s: range %d to %d, default %d, ours %d", k.name, k.low, k.high, k.def, k.own)
			}
		case choice:
			if len(k.accept) == 0 {
				t.Errorf("%s accepts nothing", k.name)
			}
		case constant:
			if k.answer == "" {
				t.Errorf("%s has no answer", k.name)
			}
		}
	}
}

func TestDefaultParams(t *testing.T) {
	want := Params{
		MaxConnections: 1, InitialR2T: true, ImmediateData: true,
		PeerMaxRecvSegment: 8192, OwnMaxRecvSegment: 8192, MaxBurst: 262144, FirstBurst: 65536,
		DefaultTime2Wait: 2, DefaultTime2Retain: 20, MaxOutstandingR2T: 1,
	}
	if got := defaultParams(); got != want {
		t.Errorf("defaultParams() = %+v, want %+v", got, want)
	}
}

// Whatever an initiator sends, the answers are a text that it can read, with one answer at
// most to a key, and what was agreed on stays within the limits of RFC 7143.
func FuzzLoginText(f *testing.F) {
	f.Add([]byte("InitiatorName=iqn.2026-01.org.example:host\x00TargetName=iqn.2026-01.org.example:open\x00MaxBurstLength=512\x00"), []byte{0x87})
	f.Add([]byte("InitiatorName=iqn.2026-01.org.example:host\x00TargetName=iqn.2026-01.org.example:chap\x00AuthMethod=CHAP\x00CHAP_A=8\x00CHAP_N=host\x00CHAP_R=0x00\x00"), []byte{0, 0, 0x81})
	f.Add([]byte("InitiatorName=iqn.2026-01.org.example:host\x00SessionType=Discovery\x00MaxRecvDataSegmentLength=512\x00IFMarker=No\x00X-a=1\x00"), []byte{0x44, 0x44, 0x87, 0x87})
	device := testDevice(f)
	f.Fuzz(func(t *testing.T, text []byte, flags []byte) {
		l := newLogin(device, 1, testLocal)
		for i, flag := range flags {
			var req BHS
			req.Start(OpLogin)
			req[1] = flag
			part := text[:min(len(text)*(i+1)/len(flags), loginSegment)]
			text = text[len(part):]
			resp, answer, done, err := l.step(t.Context(), &req, part)
			r := resp.LoginResponse()
			if (err != nil) != (r.Status() != LoginSuccess) || err != nil && !done {
				t.Fatalf("status %v, error %v, done %v", r.Status(), err, done)
			}
			if len(answer) > loginSegment || r.Transit() && r.Continue() {
				t.Fatalf("response %v with %d bytes", &resp, len(answer))
			}
			if done {
				checkAgreed(t, l, err)
				return
			}
		}
	})
}

func checkAgreed(t *testing.T, l *login, err error) {
	if err != nil {
		return
	}
	p := &l.params
	within := func(name string, n, low, high int) {
		if n < low || n > high {
			t.Errorf("%s is %d", name, n)
		}
	}
	within("PeerMaxRecvSegment", p.PeerMaxRecvSegment, 512, 1<<24-1)
	within("MaxBurst", p.MaxBurst, 512, ownMaxBurst)
	within("FirstBurst", p.FirstBurst, 512, p.MaxBurst)
	within("MaxConnections", p.MaxConnections, 1, 1)
	within("MaxOutstandingR2T", p.MaxOutstandingR2T, 1, ownMaxR2T)
	within("ErrorRecoveryLevel", p.ErrorRecoveryLevel, 0, 0)
	within("DefaultTime2Wait", p.DefaultTime2Wait, 2, 3600)
	within("DefaultTime2Retain", p.DefaultTime2Retain, 0, 20)
	if p.InitiatorName == "" || (p.TargetName == "") != p.Discovery {
		t.Errorf("logged in as %q to %q", p.InitiatorName, p.TargetName)
	}
	if p.TargetName == "iqn.2026-01.org.example:chap" && p.CHAPUser == "" {
		t.Error("logged in without a proof")
	}
}

// A login with many keys costs little: it has to, for a thousand to come at once.
func BenchmarkLogin(b *testing.B) {
	device := testDevice(b)
	var text []byte
	for _, p := range []pair{
		{"InitiatorName", "iqn.1998-01.com.vmware:esx1-5f3a9c2e"}, {"TargetName", "iqn.2026-01.org.example:open"},
		{"SessionType", "Normal"}, {"HeaderDigest", "None"}, {"DataDigest", "None"}, {"InitialR2T", "No"},
		{"ImmediateData", "Yes"}, {"MaxBurstLength", "262144"}, {"FirstBurstLength", "262144"},
		{"MaxOutstandingR2T", "1"}, {"MaxConnections", "1"}, {"MaxRecvDataSegmentLength", "131072"},
	} {
		text = appendPair(text, p.key, p.value)
	}
	var req BHS
	req.Start(OpLogin)
	req.LoginRequest().SetTransit(true)
	req.LoginRequest().SetStages(OperationalNegotiation, FullFeaturePhase)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, done, err := newLogin(device, 1, testLocal).step(b.Context(), &req, text); !done || err != nil {
			b.Fatal(done, err)
		}
	}
}

// The answer to a list is the initiator's first that we accept, wherever it stands.
func TestChoose(t *testing.T) {
	k := keys[findKey("HeaderDigest")]
	for proposed, want := range map[string]string{
		"CRC32C,None": "CRC32C", "None,CRC32C": "None", "CRC32C": "CRC32C", "SHA,CRC32C": "CRC32C",
		"": "", "crc32c": "", "CRC32C ": "", ",": "",
	} {
		if _, got, ok := k.choose(proposed, nil); got != want || ok != (want != "") {
			t.Errorf("HeaderDigest=%s is answered %q, %v", proposed, got, ok)
		}
	}
	const oldest = "RFC3720" // as TaskReporting calls a version
	k = keys[findKey("TaskReporting")]
	if _, got, ok := k.choose("FastAbort,ResponseFence,"+oldest, nil); got != oldest || !ok {
		t.Errorf("TaskReporting is answered %q, %v", got, ok)
	}
}

// Numbers follow their rule and the bounds that other keys set.
func TestChooseNumber(t *testing.T) {
	p := defaultParams()
	p.MaxBurst = 4096
	for _, c := range []struct {
		key      string
		proposed int
		want     string
	}{
		{"MaxBurstLength", 1 << 24, ""}, {"MaxBurstLength", 1<<24 - 1, strconv.Itoa(ownMaxBurst)}, {"MaxBurstLength", 512, "512"}, {"MaxBurstLength", 511, ""},
		{"FirstBurstLength", 512, "512"}, {"FirstBurstLength", 65536, "4096"},
		{"DefaultTime2Wait", 0, "2"}, {"DefaultTime2Wait", 3600, "3600"}, {"DefaultTime2Wait", 3601, ""},
		{"DefaultTime2Retain", 0, "0"}, {"DefaultTime2Retain", 3600, "0"},
	} {
		k := keys[findKey(c.key)]
		if _, got, ok := k.choose(strconv.Itoa(c.proposed), &p); ok && got != c.want || ok != (c.want != "") {
			t.Errorf("%s=%d is answered %q, %v, want %q", c.key, c.proposed, got, ok, c.want)
		}
	}
}

// Every key that a login may carry is answered or declared, and never as a stranger.
func TestAnswerKnown(t *testing.T) {
	var text []byte
	var names []string
	for i := range keys {
		if k := &keys[i]; k.when&inOperational != 0 && k.accept == nil {
			text = appendPair(text, k.name, "512")
			names = append(names, k.name)
		}
	}
	p := defaultParams()
	n := negotiation{params: &p, leading: true}
	answers, err := n.answer(text, inOperational)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(answers), notUnderstood) {
		t.Errorf("answers %q", answers)
	}
	pairs, _ := parsePairs(answers)
	for _, p := range pairs {
		if !slices.Contains(names, p.key) {
			t.Errorf("an answer to %s, which was not asked", p.key)
		}
	}
}
