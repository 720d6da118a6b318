package words

// Problem returns what a problem of a content says in this language, by its code; "" where the server's own
// English text stands.
func (w *Words) Problem(code string) string {
	if w == &chinese {
		return chineseProblems[code]
	}
	return ""
}

// EditorPhrases returns what the parts of the editor say in this language, by the English phrase; phrases that are missing
// stand as they are.
func (w *Words) EditorPhrases() map[string]string {
	if w == &chinese {
		return chinesePhrases
	}
	return map[string]string{}
}

var chinesePhrases = map[string]string{
	"1 problem":                       "1 个问题",
	"$ problems":                      "$ 个问题",
	"1 conflict":                      "1 处冲突",
	"$ conflicts":                     "$ 处冲突",
	"Line $1, column $2":              "第 $1 行，第 $2 列",
	"Check now":                       "立即检查",
	"Wrap lines":                      "自动换行",
	"Find and replace":                "查找和替换",
	"Esc, then Tab leaves the editor": "按 Esc 再按 Tab 离开编辑器",
	"Both changed this part":          "双方都修改了这一部分",
	"Take mine":                       "采用我的",
	"Take theirs":                     "采用对方的",
	"Take both":                       "两者都采用",
	"Find":                            "查找",
	"Replace":                         "替换",
	"next":                            "下一个",
	"previous":                        "上一个",
	"all":                             "全部选中",
	"match case":                      "区分大小写",
	"regexp":                          "正则表达式",
	"by word":                         "全词匹配",
	"replace":                         "替换",
	"replace all":                     "全部替换",
	"close":                           "关闭",
	"current match":                   "当前匹配",
	"on line":                         "位于行",
	"replaced match on line $":        "已替换第 $ 行的匹配",
	"replaced $ matches":              "已替换 $ 处匹配",
	"Go to line":                      "跳转到行",
	"go":                              "跳转",
	"Diagnostics":                     "问题",
	"No diagnostics":                  "没有问题",
	"Control character":               "控制字符",
	"Selection deleted":               "已删除所选内容",
	"Folded lines":                    "已折叠的行",
	"Unfolded lines":                  "已展开的行",
	"to":                              "至",
	"folded code":                     "已折叠的内容",
	"unfold":                          "展开",
	"Fold line":                       "折叠此行",
	"Unfold line":                     "展开此行",
	"null":                            "空字符",
	"newline":                         "换行符",
	"carriage return":                 "回车符",
	"escape":                          "转义符",
	"bell":                            "响铃符",
	"backspace":                       "退格符",
	"vertical tab":                    "垂直制表符",
	"zero width space":                "零宽空格",
	"zero width non-joiner":           "零宽不连字",
	"zero width joiner":               "零宽连字",
	"left-to-right mark":              "从左到右标记",
	"right-to-left mark":              "从右到左标记",
	"left-to-right override":          "从左到右覆盖",
	"right-to-left override":          "从右到左覆盖",
	"left-to-right isolate":           "从左到右隔离",
	"right-to-left isolate":           "从右到左隔离",
	"pop directional isolate":         "弹出方向隔离",
	"line separator":                  "行分隔符",
	"paragraph separator":             "段落分隔符",
	"zero width no-break space":       "零宽不换行空格（BOM）",
	"object replacement":              "对象替换符",
}

// chineseProblems take the same values as the English texts, in the same order.
var chineseProblems = map[string]string{
	"bom":         "内容以字节顺序标记（BOM）开头，许多读取程序会把它当作第一个键的一部分，请删除",
	"utf8":        "第 %d 个字节不是 UTF-8，请把内容保存为 UTF-8",
	"nul":         "含有空字符（NUL），请删除",
	"cr":          "有 %d 行只以回车符结尾，并非所有读取程序都把它当作换行，请使用 LF",
	"mixedBreaks": "有 %d 行以 %s 结尾，与其余 %d 行不同，请统一换行符",
	"tooDeep":     "嵌套超过 %d 层，读取程序无法处理",

	"jsonEmpty":       "没有值：JSON 至少要有一个值，例如 {}",
	"jsonEnd":         "内容到此结束，但 %s（第 %d 行）没有闭合",
	"jsonString":      "从这里开始的字符串在本行内没有闭合，请补上 \"",
	"jsonAfter":       "JSON 值结束之后还有内容，请删除",
	"jsonValue":       "此处应为一个值，却是 %s",
	"jsonWord":        "%s 不是 JSON 的值：字符串要放在双引号内，不带引号的只能是 true、false、null 和数字",
	"jsonNumber":      "%s 不是 JSON 的数字，请写成 0.5、-3 或 1e9 这样的形式",
	"jsonKey":         "此处应为双引号内的键，却是 %s",
	"jsonColon":       "键之后缺少冒号",
	"jsonComma":       "此处之前缺少逗号",
	"jsonTrailing":    "这个逗号之后没有值，请删除该逗号",
	"jsonMismatch":    "%s 在此处没有可闭合的对象：%s（第 %d 行）尚未闭合",
	"jsonSingleQuote": "JSON 的字符串不能使用单引号，请使用双引号",
	"jsonComment":     "JSON 不支持注释，请删除",
	"jsonEscape":      "%s 不是 JSON 的转义，反斜杠请写成 \\\\",
	"jsonControl":     "字符串中不能有该控制字符（%d），请写成 %s",
	"jsonDuplicate":   "键 %s 在第 %d 行也出现了，多数读取程序以最后一个为准",

	"yamlSyntax":    "不是有效的 YAML：%s",
	"yamlTab":       "此处只能使用空格，却有制表符：YAML 用空格缩进",
	"yamlTabIndent": "本行用制表符缩进，许多 YAML 读取程序会拒绝，请使用空格",
	"yamlStart":     "值不能以 %s 开头，请加上引号",
	"yamlColon":     "此处又出现了“: ”，或本行缩进过深：含“: ”的文本请加上引号，否则请修正缩进",
	"yamlIndent":    "本行与上面的任何一级都不对齐，请修正缩进",
	"yamlKey":       "本行不是“键: 值”：请在键后加冒号和空格，或缩进为上面文本的一部分",
	"yamlFlow":      "%s（第 %d 行）没有闭合：此处应为逗号或 %s",
	"yamlQuote":     "从这里开始的引号没有闭合",
	"yamlEnd":       "此处应为一个值：请闭合上面的 [ 或 {",
	"yamlEscape":    "双引号内的文本没有这种转义：反斜杠请写成 \\\\，或使用单引号",
	"yamlAnchor":    "此前没有锚点 &%s：以 * 开头的文本请加上引号",
	"yamlControl":   "不允许使用控制字符，请删除",
	"yamlDirective": "YAML 没有这个指令：以 % 开头的文本必须加上引号",
	"yamlDuplicate": "键 %s 在第 %d 行已经出现，请删除其中一个",
	"yamlLoop":      "别名 *%s 位于它所指的内容之中",
	"yamlExpansion": "别名展开后超过 %d 个值，读取程序会拒绝",
	"yamlLarge":     "内容没有检查：可能超过 %d 个值，读取需要很长时间",
	"yamlJava":      "内容有 %d 个字符，SnakeYAML（以及 Spring）默认拒绝超过 %d 个字符的内容",
	"yamlPlain":     "整个内容是一段文本，而不是键和值：冒号后是否缺少空格？",

	"tomlSyntax":    "不是有效的 TOML：%s",
	"tomlDuplicate": "键 %s 在第 %d 行已经出现，请删除其中一个",
	"tomlTable":     "表 %s 在第 %d 行已经定义，请把两处的键放在一起",
	"tomlNotTable":  "%s 是一个值（第 %d 行），不能再有下级的键",
	"tomlClosed":    "%s 已经完整（第 %d 行），不能再添加键",
	"tomlNotArray":  "%s 不是表数组（见第 %d 行），请写成 [%s]",
	"tomlNumber":    "%s 不是 TOML 的数字",
	"tomlDate":      "%s 不是存在的日期或时间",

	"propEscape":       "\\u 之后要有四位十六进制数字；若要表示反斜杠加 u，请写成 \\\\u",
	"propTrailing":     "值以空白结尾，空白也是值的一部分：请删除，或把最后一个写成 \\u0020",
	"propUnicode":      "有 %d 行含有 ASCII 以外的字符，不按 UTF-8 读取的程序会读错；写成 \\uXXXX 总是正确的",
	"propDuplicate":    "键 %s 在第 %d 行已经出现，以最后一个为准",
	"propNoValue":      "本行没有 = 或 :，整行会成为没有值的键",
	"propContinuation": "最后一行以反斜杠结尾却没有后续内容，请删除反斜杠",

	"xmlSyntax":    "不是有效的 XML：%s",
	"xmlEmpty":     "没有元素：XML 必须有一个元素",
	"xmlRoots":     "除第 %d 行的元素外还有第二个根元素：XML 只能有一个根元素",
	"xmlOpen":      "<%s>（第 %d 行）没有闭合，缺少 </%s>",
	"xmlMismatch":  "</%s> 没有对应的开始标签：<%s>（第 %d 行）尚未闭合",
	"xmlEnd":       "</%s> 没有对应的开始标签：没有未闭合的元素",
	"xmlText":      "根元素之外有文本",
	"xmlAttribute": "属性 %s 出现了两次",
	"xmlEntity":    "没有这个名称的实体，& 请写成 &amp;",

	"htmlOpen": "<%s> 没有闭合，缺少 </%s>",
	"htmlEnd":  "</%s> 没有对应的开始标签",
}
