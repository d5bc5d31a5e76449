package iscsi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestText plays the conversations of testdata/text: text negotiations in full feature
// phase, written as those of TestLogin. A first line says what session it is in: "normal" or
// "discovery", and how much the initiator takes in one PDU.
func TestText(t *testing.T) {
	files, _ := filepath.Glob("testdata/text/*.txt")
	if len(files) == 0 {
		t.Fatal("there are no conversations in testdata/text")
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, path, playText(t, string(script)))
		})
	}
}

func playText(t *testing.T, script string) string {
	var out strings.Builder
	var x *textExchange
	var request []string
	ttt := NoTag
	skipping := false
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case skipping && line != "":
			continue
		case line == "":
			skipping = false
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "session "):
			x = textSession(t, strings.Fields(line)[1:])
		case line == "----":
			fmt.Fprintln(&out, line)
			out.WriteString(textRequest(t, x, request, &ttt))
			request, skipping = nil, true
			continue
		default:
			request = append(request, line)
		}
		fmt.Fprintln(&out, line)
	}
	if request != nil {
		t.Errorf("the request %q has no ----", request[0])
	}
	return out.String()
}

func textSession(t testing.TB, words []string) *textExchange {
	p := defaultParams()
	p.InitiatorName = "iqn.2026-01.org.example:host"
	for _, w := range words {
		switch name, value, _ := strings.Cut(w, "="); name {
		case "normal":
			p.TargetName = "iqn.2026-01.org.example:open"
		case "discovery":
			p.Discovery = true
		case "takes":
			p.PeerMaxRecvSegment, _ = strconv.Atoi(value)
		default:
			t.Fatalf("session: %s", w)
		}
	}
	return newTextExchange(testDevice(t), 1, testLocal, &p)
}

// textRequest sends a request such as "text F itt=1 ttt=last". ttt is the tag that came
// last.
func textRequest(t *testing.T, x *textExchange, lines []string, ttt *uint32) string {
	var req BHS
	req.Start(OpText)
	req.SetITT(1)
	req.SetTTT(NoTag)
	for _, word := range strings.Fields(lines[0])[1:] {
		switch name, value, _ := strings.Cut(word, "="); {
		case name == "F":
			req.SetFinal(true)
		case name == "C":
			req.TextRequest().SetContinue(true)
		case name == "itt":
			n, _ := strconv.Atoi(value)
			req.SetITT(uint32(n))
		case word == "ttt=last":
			req.SetTTT(*ttt)
		case word == "ttt=other":
			req.SetTTT(*ttt + 1)
		default:
			t.Fatalf("request %q", lines[0])
		}
	}
	var text []byte
	for _, line := range lines[1:] {
		if raw, err := strconv.Unquote(line); err == nil {
			text = append(text, raw...)
		} else {
			text = append(text, line+"\x00"...)
		}
	}
	before := x.params.PeerMaxRecvSegment
	resp, answer, err := x.step(&req, text)
	if err != nil {
		if r := (*rejection)(nil); !errors.As(err, &r) {
			t.Errorf("the error %v is no rejection", err)
		}
		return fmt.Sprintf("reject: %v\n", err)
	}
	if resp.Opcode() != OpTextResponse || resp.ITT() != req.ITT() || resp.DataSegmentLen() != len(answer) {
		t.Errorf("the response %v with %d bytes does not belong to %v", &resp, len(answer), &req)
	}
	if resp.Final() != (resp.TTT() == NoTag) {
		t.Errorf("F and the Target Transfer Tag of %v do not agree", &resp)
	}
	var out strings.Builder
	out.WriteString("response")
	if resp.Final() {
		out.WriteString(" F")
	} else {
		*ttt = resp.TTT()
	}
	if resp.TextResponse().Continue() {
		out.WriteString(" C")
	}
	out.WriteString("\n")
	for _, part := range strings.SplitAfter(string(answer), "\x00") {
		if part != "" {
			out.WriteString(strings.ReplaceAll(part, "\x00", "") + map[bool]string{false: " (goes on)"}[strings.HasSuffix(part, "\x00")] + "\n")
		}
	}
	if now := x.params.PeerMaxRecvSegment; now != before {
		fmt.Fprintf(&out, "the initiator takes %d bytes now\n", now)
	}
	return out.String()
}

func FuzzText(f *testing.F) {
	f.Add([]byte("SendTargets=All\x00"), []byte{1, 0xff}, true)
	f.Add([]byte("MaxRecvDataSegmentLength=512\x00X-a=1\x00SendTargets=\x00"), []byte{2, 2, 1, 0}, false)
	f.Add([]byte("SendTargets=iqn.2026-01.org.example:open\x00"), []byte{0, 1}, true)
	device := testDevice(f)
	f.Fuzz(func(t *testing.T, text []byte, flags []byte, discovery bool) {
		p := defaultParams()
		p.InitiatorName, p.Discovery, p.PeerMaxRecvSegment = "iqn.2026-01.org.example:host", discovery, 512
		if !discovery {
			p.TargetName = "iqn.2026-01.org.example:open"
		}
		x := newTextExchange(device, 1, testLocal, &p)
		ttt := NoTag
		for i, flag := range flags { // bits: F, C, a new beginning, no text
			var req BHS
			req.Start(OpText)
			req.SetFinal(flag&1 != 0)
			req.TextRequest().SetContinue(flag&2 != 0)
			req.SetTTT(ttt)
			if flag&4 != 0 {
				req.SetTTT(NoTag)
			}
			part := text[:len(text)*(i+1)/len(flags)]
			text = text[len(part):]
			if flag&8 != 0 {
				part = nil
			}
			resp, answer, err := x.step(&req, part)
			if err != nil {
				ttt = NoTag
				continue
			}
			ttt = resp.TTT()
			if len(answer) > 1<<24-1 || len(answer) > p.PeerMaxRecvSegment && !resp.Final() {
				t.Errorf("a response of %d bytes", len(answer))
			}
			if resp.Final() && resp.TextResponse().Continue() || resp.Final() && !req.Final() {
				t.Errorf("%v answers %v", &resp, &req)
			}
		}
	})
}
