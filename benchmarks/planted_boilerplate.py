"""The same header and footer in several languages, as sites wrap around their pages."""

from __future__ import annotations

__all__ = ["NOTICES"]

# Per language: what stands above a page and what stands below it. Written for this purpose.
NOTICES: dict[str, tuple[str, str]] = {
    "de": (
        "Zum Inhalt springen. Startseite, Nachrichten, Über uns, Kontakt, Anmelden. Wir verwenden "
        "Cookies, um Ihnen den Besuch dieser Seite so angenehm wie möglich zu machen. Einige sind "
        "notwendig, andere helfen uns zu verstehen, wie die Seite genutzt wird. Sie können alle "
        "annehmen, alle ablehnen oder Ihre Auswahl jederzeit in den Einstellungen ändern.",
        "Hat Ihnen dieser Beitrag gefallen? Abonnieren Sie unseren Newsletter und erhalten Sie "
        "jeden Freitag eine Auswahl der besten Artikel. Alle Rechte vorbehalten. Kein Teil dieser "
        "Seite darf ohne schriftliche Genehmigung vervielfältigt werden. Impressum, Datenschutz, "
        "Nutzungsbedingungen, Barrierefreiheit.",
    ),
    "en": (
        "Skip to content. Home, News, About us, Contact, Sign in. We use cookies to make your visit "
        "to this site as pleasant as possible. Some are necessary, others help us to understand how "
        "the site is used. You may accept all of them, reject all of them or change your choice in "
        "the settings at any time.",
        "Did you enjoy this article? Subscribe to our newsletter and receive a selection of the "
        "best stories every Friday. All rights reserved. No part of this site may be reproduced "
        "without permission in writing. Imprint, Privacy policy, Terms of use, Accessibility.",
    ),
    "es": (
        "Saltar al contenido. Inicio, Noticias, Quiénes somos, Contacto, Iniciar sesión. Utilizamos "
        "cookies para que su visita a este sitio sea lo más agradable posible. Algunas son "
        "necesarias y otras nos ayudan a entender cómo se usa el sitio. Puede aceptarlas todas, "
        "rechazarlas todas o cambiar su elección en los ajustes en cualquier momento.",
        "¿Le ha gustado este artículo? Suscríbase a nuestro boletín y reciba cada viernes una "
        "selección de los mejores textos. Todos los derechos reservados. Queda prohibida la "
        "reproducción de cualquier parte de este sitio sin permiso por escrito. Aviso legal, "
        "Privacidad, Condiciones de uso, Accesibilidad.",
    ),
    "fr": (
        "Aller au contenu. Accueil, Actualités, Qui sommes-nous, Contact, Connexion. Nous utilisons "
        "des cookies pour rendre votre visite aussi agréable que possible. Certains sont "
        "nécessaires, d’autres nous aident à comprendre comment le site est utilisé. Vous pouvez "
        "tous les accepter, tous les refuser ou modifier votre choix à tout moment dans les réglages.",
        "Cet article vous a plu ? Abonnez-vous à notre lettre d’information et recevez chaque "
        "vendredi une sélection des meilleurs textes. Tous droits réservés. Aucune partie de ce site "
        "ne peut être reproduite sans autorisation écrite. Mentions légales, Confidentialité, "
        "Conditions d’utilisation, Accessibilité.",
    ),
    "it": (
        "Vai al contenuto. Pagina iniziale, Notizie, Chi siamo, Contatti, Accedi. Usiamo i cookie "
        "per rendere la visita a questo sito il più piacevole possibile. Alcuni sono necessari, "
        "altri ci aiutano a capire come viene usato il sito. Potete accettarli tutti, rifiutarli "
        "tutti o cambiare la vostra scelta in qualsiasi momento nelle impostazioni.",
        "Vi è piaciuto questo articolo? Iscrivetevi alla nostra newsletter e ricevete ogni venerdì "
        "una scelta dei testi migliori. Tutti i diritti riservati. Nessuna parte di questo sito può "
        "essere riprodotta senza permesso scritto. Note legali, Riservatezza, Condizioni d’uso, "
        "Accessibilità.",
    ),
    "pl": (
        "Przejdź do treści. Strona główna, Wiadomości, O nas, Kontakt, Zaloguj się. Używamy plików "
        "cookie, aby wizyta na tej stronie była jak najprzyjemniejsza. Niektóre są niezbędne, inne "
        "pomagają nam zrozumieć, jak strona jest używana. Możesz zaakceptować wszystkie, odrzucić "
        "wszystkie albo w każdej chwili zmienić swój wybór w ustawieniach.",
        "Podobał ci się ten artykuł? Zapisz się do naszego biuletynu i co piątek otrzymuj wybór "
        "najlepszych tekstów. Wszelkie prawa zastrzeżone. Żadna część tej strony nie może być "
        "powielana bez pisemnej zgody. Nota prawna, Prywatność, Regulamin, Dostępność.",
    ),
    "ru": (
        "Перейти к содержанию. Главная, Новости, О нас, Контакты, Войти. Мы используем файлы cookie, "
        "чтобы посещение этого сайта было как можно приятнее. Одни из них необходимы, другие "
        "помогают нам понять, как используется сайт. Вы можете принять все, отклонить все или в "
        "любое время изменить свой выбор в настройках.",
        "Вам понравилась эта статья? Подпишитесь на нашу рассылку и получайте каждую пятницу подборку "
        "лучших текстов. Все права защищены. Никакая часть этого сайта не может быть воспроизведена "
        "без письменного разрешения. Правовая информация, Конфиденциальность, Условия использования, "
        "Доступность.",
    ),
    "zh": (
        "跳到正文。首页、新闻、关于我们、联系方式、登录。我们使用 Cookie，让您访问本网站时尽可能愉快。"
        "其中一些是必需的，另一些帮助我们了解网站的使用情况。您可以全部接受、全部拒绝，"
        "也可以随时在设置中更改您的选择。",
        "喜欢这篇文章吗？订阅我们的通讯，每周五收到精选好文。版权所有。未经书面许可，"
        "不得转载本网站的任何内容。法律声明、隐私政策、使用条款、无障碍。",
    ),
    "ja": (
        "本文へ移動。ホーム、ニュース、私たちについて、お問い合わせ、ログイン。このサイトをできるだけ快適に"
        "ご利用いただくために Cookie を使用しています。必要なものもあれば、サイトの使われ方を知るためのものも"
        "あります。すべて許可、すべて拒否、または設定でいつでも選択を変更できます。",
        "この記事はいかがでしたか。ニュースレターに登録すると、毎週金曜日に厳選した記事が届きます。"
        "無断転載を禁じます。このサイトのいかなる部分も書面による許可なく複製することはできません。"
        "運営者情報、プライバシー、利用規約、アクセシビリティ。",
    ),
}
