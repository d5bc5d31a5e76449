package dmu_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/lunarsan/lunar/stream/dmu"
)

// Reading a stream to its end, and saying what is wrong with it.
func ExampleReader() {
	f, err := os.Open("testdata/volume.zs")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	r := dmu.NewReader(f, dmu.Options{})
	for {
		rec, err := r.Next()
		if err == io.EOF {
			fmt.Println("whole")
			return
		}
		var wrong *dmu.Error
		if errors.As(err, &wrong) {
			log.Fatalf("wrong from byte %d on: %v", wrong.Offset, wrong.Cause)
		} else if err != nil {
			log.Fatal(err)
		}
		if rec.Type() == dmu.TypeWrite {
			w := rec.Write()
			fmt.Println("object", w.Object(), "at", w.Offset(), w.Compression(), len(r.Payload()))
		}
	}
	// Output:
	// object 1 at 0 none 1024
	// object 1 at 3072 lz4 512
	// object 1 at 4096 zstd 512
	// object 1 at 7168 gzip-9 512
	// object 2 at 0 none 512
	// whole
}

// Writing an incremental stream, in which one block changed.
func ExampleWriter() {
	var out bytes.Buffer
	w := dmu.NewWriter(&out, binary.LittleEndian)

	begin := dmu.NewBegin()
	begin.SetObjset(dmu.ObjsetZvol)
	begin.SetFromGUID(1)
	begin.SetToGUID(2)
	if err := begin.SetToName("tank/vol@b"); err != nil {
		log.Fatal(err)
	}
	block := dmu.NewRecord(dmu.TypeWrite).Write()
	block.SetObject(dmu.ZvolData)
	block.SetDMUType(dmu.ObjectZvol)
	block.SetOffset(8192)
	block.SetLogicalSize(4096)
	block.Record().SetToGUID(2)
	end := dmu.NewRecord(dmu.TypeEnd)
	end.SetToGUID(2)

	for _, r := range []struct {
		rec     *dmu.Record
		payload []byte
	}{{begin.Record(), nil}, {block.Record(), make([]byte, 4096)}, {end, nil}} {
		if err := w.Write(r.rec, r.payload); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(out.Len(), "bytes")
	// Output: 5032 bytes
}

// What a resume token says.
func ExampleParseToken() {
	t, err := dmu.ParseToken("1-c1ac69f3b-b8-789c636064000310a500c4ec50360710e72765a5269740f80cd8e4d3d28a534b4032ac70793624f9a4ca92d462201dc0ce8c557f497e7a69660a03c38eab477b3972f5f76a20c97382e5f31273538174625eb67e9999894322031c0000ce8b152e")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.ToName, "from byte", t.Offset, "of object", t.Object)
	// Output: tank/v64@a from byte 327680 of object 1
}
