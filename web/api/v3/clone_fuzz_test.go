package v3

import (
	"testing"

	"nacre/server/fault"
	"nacre/web/api/wire"
)

func FuzzCloneBody(f *testing.F) {
	for _, b := range []string{
		`[{"configId":1,"targetDataId":"d","targetGroupName":"g"}]`, `[{"cfgId":"19","dataId":"d","group":"g"}]`, `[null]`, `null`, `[{}]`, `[{"cfgId":1e3}]`, `[{"cfgId":[1]}]`, `{`,
	} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		picks, err := wire.Picks(body)
		if err != nil && (fault.KindOf(err) != fault.Invalid || fault.TextOf(err) == "") {
			t.Fatalf("%q: %v", body, err)
		}
		if err != nil && len(picks) > 0 {
			t.Fatalf("%q: refused, but %v was read", body, picks)
		}
	})
}

func FuzzParameters(f *testing.F) {
	for _, q := range []string{"dataId=a&groupName=g&pageNo=1&pageSize=2&ids=1,2", "ids=,,&pageNo=%ff", "pageNo=-1", "nid=9999999999999999999"} {
		f.Add([]byte(q))
	}
	f.Fuzz(func(t *testing.T, query []byte) {
		var p wire.Params
		p.ParseText(query)
		if no, size, err := page(&p); err == nil && (no < 1 || size < 1) {
			t.Fatalf("%q: page %d of size %d", query, no, size)
		}
		_, _, err := numbers(&p, "ids")
		_, err2 := number(&p, "nid")
		_, err3 := keyOf(&p)
		for _, err := range []error{err, err2, err3} {
			if _, check := err.(wire.CheckFailure); err != nil && !check && wire.RefusalOf(err).Status != 400 {
				t.Fatalf("%q: %v", query, err)
			}
		}
	})
}
