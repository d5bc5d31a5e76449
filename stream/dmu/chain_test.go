package dmu

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// chainText is a chain as a file.
const chainText = `{
  "format": 1,
  "state": "receiving",
  "modified": "2026-11-22T16:30:00.5Z",
  "snapshots": [
    {
      "guid": "13632234480579499448",
      "from": "0",
      "name": "tank/v64@a",
      "created": "2026-05-12T02:30:07Z",
      "size": "67108864",
      "block_size": 65536
    }
  ],
  "receiving": {
    "guid": "2",
    "from": "13632234480579499448",
    "name": "tank/v64@b",
    "created": "2026-05-12T02:31:00Z",
    "size": "0",
    "block_size": 65536,
    "features": "4325376",
    "offset": "327680",
    "bytes": "198480"
  }
}
`

func TestChain(t *testing.T) {
	c := Chain{
		Modified: time.Date(2026, 11, 22, 16, 30, 0, 5e8, time.UTC),
		Snapshots: []Link{{
			GUID: 13632234480579499448, Name: "tank/v64@a", Size: 64 << 20, BlockSize: 64 << 10,
			Created: time.Date(2026, 5, 12, 2, 30, 7, 0, time.UTC),
		}},
		Receiving: &Receiving{
			Link:     Link{GUID: 2, From: 13632234480579499448, Name: "tank/v64@b", BlockSize: 64 << 10, Created: time.Date(2026, 5, 12, 2, 31, 0, 0, time.UTC)},
			Features: FeatureLZ4 | FeatureCompressed,
			Cursor:   Cursor{327680, 198480},
		},
	}
	p, err := c.Encode()
	if err != nil || string(p) != chainText {
		t.Errorf("%v\n%s", err, p)
	}
	d, err := ParseChain([]byte(chainText))
	if err != nil {
		t.Fatal(err)
	}
	if d.Head().GUID != c.Head().GUID || d.Find(1) != nil || *d.Receiving != *c.Receiving || !d.Modified.Equal(c.Modified) {
		t.Errorf("%+v", d)
	}
	token := d.Receiving.Token()
	if token.Object != 1 || token.Offset != 327680-65536 || token.Bytes != 198480 || token.ToGUID != 2 || token.FromGUID != c.Head().GUID || !token.Compressed || token.LargeBlocks {
		t.Errorf("%+v", token)
	}
	if new(Chain).State() != ChainEmpty || (&Chain{Snapshots: c.Snapshots}).State() != ChainComplete {
		t.Error("states")
	}
}

func TestChainDamaged(t *testing.T) {
	for name, change := range map[string][2]string{
		"format":         {`"format": 1`, `"format": 2`},
		"state":          {`"receiving",`, `"complete",`},
		"no GUID":        {`"guid": "2"`, `"guid": "0"`},
		"GUID twice":     {`"guid": "2"`, `"guid": "13632234480579499448"`},
		"other base":     {`"from": "13632234480579499448"`, `"from": "7"`},
		"negative":       {`"guid": "2"`, `"guid": "-2"`},
		"number":         {`"guid": "2"`, `"guid": 2`},
		"a size too big": {`"67108864"`, `"9223372036854775808"`},
		"cut":            {`"bytes": "198480"`, ``},
	} {
		c, err := ParseChain([]byte(strings.Replace(chainText, change[0], change[1], 1)))
		if !errors.Is(err, ErrChain) || c != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
