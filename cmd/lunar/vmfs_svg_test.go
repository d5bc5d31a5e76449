package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// TestDrawing draws a volume of two extents, and reads the picture as XML.
func TestDrawing(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.img"), filepath.Join(dir, "b<&>.img")
	writeVolume(t, "5", []string{a, b})
	var out bytes.Buffer
	c := &cli{world: world{stdout: &out, stderr: io.Discard}}
	if err := c.drawVolume(openWritten(t, a+","+b), "/", "-"); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for d := xml.NewDecoder(bytes.NewReader(out.Bytes())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, &out)
		}
		if text, ok := token.(xml.CharData); ok {
			texts = append(texts, string(text))
		}
	}
	all := strings.Join(texts, "|")
	for _, want := range []string{"b<&>.img, 273 MiB", "/vm1/vm1-flat.vmdk, 3 MiB", "allocated, to be zeroed, 2 MiB", "not in use by files"} {
		if !strings.Contains(all, want) {
			t.Errorf("the picture does not say %q:\n%s", want, all)
		}
	}
	if got := svgText("a\x00<\xff\u0007"); got != "a?&lt;??" {
		t.Errorf("text from disk becomes %q", got)
	}
}
