"""First and last names from countries with contact centres. "_" stands for a space within a name."""

# Each tuple holds the first names and the last names of one origin, separated by spaces.
ORIGINS: list[tuple[str, str]] = [
    (
        "Ana João Inês Tiago Beatriz Rui Catarina Gonçalo Luísa Nuno Sofia André Mariana Simão",
        "Silva Santos Ferreira Conceição Gonçalves Araújo Simões Magalhães Brandão Falcão Simão Antunes Lourenço",
    ),
    (
        "Lucía Íñigo Begoña José Ángel María Martín Núria Jesús Concepción Óscar Ainhoa Álvaro Raúl",
        "Díaz García Muñoz Ibáñez Núñez Peña Ordóñez Sáez Martínez Etxeberria Gómez Castaño Rodríguez Vázquez",
    ),
    (
        "Jürgen Anneliese Björn Käthe Lukas Sabine Günther Heike Jörg Friederike Matthias Ute Sören Bärbel",
        "Müller Schäfer Größmann Köhler Weiß Böhm Schröder Kühn Straußberger Vogel Jäger Neumann Hübner Krüger",
    ),
    (
        "Éloïse François Zoé Benoît Chloé Rémi Maëlle Hélène Loïc Gaëlle Jean-Luc Anaïs Cédric Noémie",
        "Lefèvre Bérenger Gauthier Mercier Desprès Chevalier Boucher Garçon Lemaître Delacroix Fournier Béranger",
    ),
    (
        "Małgorzata Łukasz Agnieszka Paweł Zofia Krzysztof Bożena Wojciech Grażyna Michał Żaneta Stanisław",
        "Wiśniewski Wójcik Kowalczyk Zając Król Pawłowski Dąbrowski Górski Nowak Szczepański Żak Łuczak",
    ),
    (
        "Jiří Věra Ondřej Zdeňka Tomáš Šárka Matěj Božena Lukáš Kateřina Řehoř Eliška",
        "Dvořák Černý Svoboda Procházka Kučera Veselý Němec Růžička Šimek Hájek Řezníček Beneš",
    ),
    (
        "Åsa Bjørn Søren Solveig Øyvind Märta Håkan Sigrún Jónas Astrid Päivi Väinö Þóra Lars",
        "Ångström Sørensen Bjørnstad Lindström Hämäläinen Østby Mäkinen Jónsdóttir Nygård Åkerman Virtanen Ødegård",
    ),
    (
        "Ayşe Çağrı Şule Ömer Gülşen İbrahim Zeynep Oğuz Elif Uğur Pınar Yiğit",
        "Yılmaz Çelik Şahin Öztürk Aydın Kılıç Doğan Güneş Erdoğan Koç Yıldız Türkoğlu",
    ),
    (
        "Nguyễn Thảo Minh Hương Đức Trâm Quỳnh Tuấn Bảo Linh Khánh Hồng",
        "Trần Phạm Lê Hoàng Vũ Đặng Bùi Đỗ Hồ Ngô Dương Lý",
    ),
    (
        "Bo Mei Li Xiu Jian Hui Wei Yan Jun Fang Hao Ling",
        "Chen Wang Zhang Liu Zhao Huang Zhou Wu Xu Sun Ma Lin",
    ),
    (
        "Priya Arjun Ananya Rohan Kavita Vikram Lakshmi Sanjay Deepa Rahul Meera Imran",
        "Sharma Iyer Patel Banerjee Reddy Nair Chatterjee Kapoor Menon Singh Desai Khan",
    ),
    (
        "Omar Layla Youssef Fatima Khalid Nour Hassan Amina Tariq Salma Idris Rania",
        "Said Al-Masri Haddad Mansour Ben-Youssef Nasser Farouk El-Amin Khoury Bakr Aziz Rahmani",
    ),
    (
        "Siobhán Seán Aoife Niamh Pádraig Róisín Emily Jack Grace Oliver Gráinne Rhys",
        "O'Neill O'Brien Murphy McCarthy Walsh Byrne Ó'Súilleabháin Fitzgerald Hughes Taylor Smith-Jones Evans",
    ),
    (
        "Adaeze Chinedu Folasade Kwame Ngozi Oluwaseun Thandiwe Sipho Amara Tunde Zanele Kofi",
        "Okafor Adébáyò Mensah Nkosi Eze Dlamini Owusu Balogun Mokoena Adeyemi Boateng Nwosu",
    ),
    (
        "Ionuț Ștefan Mădălina Răzvan Cătălina Andrei Ilinca Bogdan Željko Živa Nikša Đurđa",
        "Popescu Ionescu Țăranu Șerban Horvat Kovačević Marušić Babić Đorđević Žižić Munteanu Văcărescu",
    ),
    (
        "Maricel Jose Althea Ramon Luzviminda Jericho Bituin Angelo Rosario Danilo Ligaya Carlo",
        "dela_Cruz Reyes Bautista Ocampo Villanueva Macaraeg Santos Peñaflor Dimaculangan Mercado Aquino Salonga",
    ),
]

# Letters that NFKD does not decompose into a base letter and an accent, and characters to remove.
PLAIN = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ı": "i",
        "ß": "ss",
        "þ": "th",
        "æ": "ae",
        "ð": "d",
        "œ": "oe",
        " ": "",
        "'": "",
        "-": "",
    }
)
