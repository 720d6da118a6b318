package nacre_test

import (
	"encoding/json"
	"strings"
	"testing"

	"nacre/server/servertest"
	"nacre/web/api/apitest"
)

func TestContentsAreCheckedBeforeTheyArePublished(t *testing.T) {
	s := servertest.Start(t)
	large, _ := json.Marshal(map[string]string{"content": "a: [" + strings.Repeat("b, ", 300_000) + "\n", "type": "yaml"})
	const at = "/nacre/v1/validate"
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "what is right", Method: "POST", Path: at, Body: `{"content":"a: 1","type":"yaml"}`, Want: `{"type":"yaml","detected":"yaml","valid":true,"problems":[]}`},
		{Name: "an error at its line, in words", Method: "POST", Path: at, Body: `{"content":"a: 1\nb:\n  c: 1\n d: 2\n","dataId":"x.yaml"}`,
			Has: []string{`"type":"yaml","detected":"yaml","valid":false`, `{"line":4,"column":2,"endColumn":6,"severity":"error","code":"yamlIndent","text":"this line fits no block above`}},
		{Name: "a warning leaves it valid", Method: "POST", Path: at, Body: `{"content":"a=1 \n","type":"properties"}`, Has: []string{`"valid":true`, `"severity":"warning","code":"propTrailing"`}},
		{Name: "the type given counts, the one detected is told", Method: "POST", Path: at, Body: `{"content":"{}","type":"text"}`, Has: []string{`"type":"text","detected":"json","valid":true`}},
		{Name: "unset is a text", Method: "POST", Path: at, Body: `{"content":"{","type":"unset"}`, Has: []string{`"type":"text","detected":"json","valid":true`}},
		{Name: "an unknown type is refused", Method: "POST", Path: at, Body: `{"content":"","type":"ini"}`, Status: 400, Has: []string{`the type \"ini\" does not exist`}},
		{Name: "a large content", Method: "POST", Path: at, Body: string(large), Has: []string{`"valid":false`}},
		{Name: "nothing", Method: "POST", Path: at, Status: 400, Want: invalid("the request has no body, a JSON object is needed")},
	})
}
