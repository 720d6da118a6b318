package goldengrpc

// exception is an answer or a push that is not to be like the recorded one.
type exception struct {
	why string
	// is are the fields that it has instead; nil leaves a field out.
	is map[string]any
}

const (
	stale    = "a query right after a publish shows what was published"
	outlived = "gray versions do not outlive the formal content"
	spelled  = "each listener is told with the namespace as it wrote it"
)

// exceptions are by transcript, connection and stream, and, for pushes, the number they were recorded with.
var exceptions = map[string]exception{
	"raw 2/41":  {outlived, map[string]any{"resultCode": 500.0, "errorCode": 404.0, "success": false, "message": "there is no gray version beta of raw.a"}},
	"raw 8/19":  {outlived, map[string]any{"resultCode": 500.0, "errorCode": 404.0, "success": false, "message": "there is no gray version beta of raw.b"}},
	"raw 1#58":  {spelled, map[string]any{"tenant": "public"}},
	"raw 23/17": {stale, found("1", "c4ca4238a0b923820dcc509a6f75849b")},
	"raw 23/21": {stale, found("2", "c81e728d9d4c2f636f067f89cc14862c")},
	"raw 23/25": {stale, found("3", "eccbc87e4b5ce2fe28308fd9f2a7baf3")},
}

func found(content, md5 string) map[string]any {
	return map[string]any{
		"resultCode": 200.0, "errorCode": 0.0, "success": true, "message": nil, "content": content, "md5": md5,
		"encryptedDataKey": "", "contentType": "text", "lastModified": 1.0,
	}
}

func (e exception) apply(body map[string]any) {
	for name, v := range e.is {
		if v == nil {
			delete(body, name)
		} else {
			body[name] = v
		}
	}
}

// untold are pushes that Nacos had no time for: the connection was closed right after the change.
var untold = map[string]bool{
	"go 1 ConfigChangeNotifyRequest gg.later DEFAULT_GROUP":                  true,
	"java3 6 ConfigFuzzyWatchChangeNotifyRequest g3.f1+DEFAULT_GROUP+public": true,
	"java3 6 ConfigFuzzyWatchChangeNotifyRequest g3.f2+DEFAULT_GROUP+public": true,
}
