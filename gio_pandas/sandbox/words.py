"""The words that names and values are made of."""

CITIES = (
    *("上海", "北京", "深圳", "广州", "杭州", "成都", "重庆", "武汉", "南京", "苏州", "西安"),
    *("长沙", "天津", "郑州", "青岛", "宁波", "合肥", "厦门", "福州", "昆明", "哈尔滨", "乌鲁木齐"),
    *("呼和浩特", "拉萨"),
)
SURNAMES = (*"王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗", "欧阳", "司马", "𠮷")
GIVEN_NAMES = (
    *("伟", "芳", "娜", "敏", "静", "磊", "强", "洋", "艳", "勇", "子涵", "雨桐", "浩然", "思远"),
    *("欣怡", "梓轩", "嘉怡", "俊杰", "晓东", "建国", "𬱖"),
)
NICKNAMES = (
    *("追风少年", "Momo", "momo", "今天也要加油鸭", "🐟摸鱼大师", "Tom & Jerry", "小太阳☀️"),
    *("Échalote", "Ελένη", "用户_8848", "一二三木头人", "ＡＢＣ", "李,老板", '人称"大哥"'),
    *("路人甲", "yyds", "葛格👨\u200d👩\u200d👧", ""),
)
NOTES = (
    *("", "", "", "老客户，推荐过 3 位朋友", "地址：静安区南京西路 1 号, 2 楼", "VIP"),
    *('要求开票，抬头"某某科技"', "第一行\n第二行", "退货原因:\r\n1) 尺码不合\r\n2) 色差"),
    *("电话联系，勿发短信", "喜欢 A&B、C+D，折扣 20%#满减", "\t缩进的备注"),
)
EMAIL_HOSTS = ("qq.com", "163.com", "example.cn", "gmail.com")
PEOPLE = ("王小明", "李雷", "韩梅梅", "张三丰", "数据中台", "admin", "Ada Lovelace", "欧阳娜娜")

# What breaks naive readers: the first users of the platform have these for names and notes.
AWKWARD = (
    *("NA", "null", "None", "1e10", "0x1F", "true", "007", "9007199254740993"),
    *("1234567890123456789", "𠮷野家", "😀🎉", "a,b", 'say "hi"', "第一行\n第二行", "one\r\ntwo"),
    *("", "NaN", "inf", "-0", "1,234", "45.20%", "-", "False", "N/A", "2026-02-30", "１２３"),
    *("+86 138", "=1+1", "  两边有空格  ", "'", '"', "𬱖𠮷"),
)

BEHAVIOURS = (
    *("近7天活跃", "近30天活跃", "近90天未下单", "加购未支付", "首单", "复购", "高客单", "低频"),
    *("领券未用", "浏览直播", "小程序新访", "沉睡"),
)
REGIONS = ("华东", "华南", "华北", "华中", "西南", "西北", "东北", "港澳台", "海外")
# Words after a behaviour, as analysts write them to tell their segments apart.
SUBJECTS = ("用户", "人群", "会员", "新客", "老客", "高潜用户")
# What users do, in Chinese and as the word in the keys of tags.
EVENTS = {
    "登录": "login",
    "浏览商品": "view_item",
    "搜索": "search",
    "加购": "add_cart",
    "下单": "order",
    "支付": "pay",
    "退款": "refund",
    "分享": "share",
    "收藏": "favorite",
    "评价": "review",
    "领券": "get_coupon",
    "用券": "use_coupon",
    "看直播": "watch_live",
    "签到": "check_in",
    "客服咨询": "ask_service",
    "打开推送": "open_push",
    "到店": "visit_store",
    "积分兑换": "redeem",
    "邀请好友": "invite",
    "取消订单": "cancel_order",
}
PRODUCTS = ("数码", "家电", "美妆", "母婴", "服饰", "生鲜", "图书", "运动户外", "宠物", "家居")
LEVELS = ("普通会员", "银卡会员", "金卡会员", "铂金会员", "黑钻会员")
